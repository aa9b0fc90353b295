#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Validates a list of SPDX 2.3 in JSON, and compares it with installed files.

    sbom.py FILE ROOT

Prints each fault. Status 1 if there is one.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

IDENTIFIER = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KNOWN = {"LGPL-2.1-or-later", "NOASSERTION"}
DOCUMENT = {"spdxVersion": str, "dataLicense": str, "SPDXID": str, "name": str, "documentNamespace": str,
            "creationInfo": dict, "packages": list, "files": list, "relationships": list}
PACKAGE = {"name": str, "SPDXID": str, "versionInfo": str, "downloadLocation": str, "filesAnalyzed": bool,
           "licenseConcluded": str, "licenseDeclared": str, "copyrightText": str}
FILE = {"fileName": str, "SPDXID": str, "fileTypes": list, "checksums": list, "licenseConcluded": str,
        "licenseInfoInFiles": list, "copyrightText": str}
faults = []


def check(condition, text):
    if not condition:
        faults.append(text)
    return condition


def check_fields(thing, fields, where):
    for name, kind in fields.items():
        check(isinstance(thing.get(name), kind) and thing.get(name) != "", f"{where}: {name} is missing or wrong")


def check_document(spdx):
    check_fields(spdx, DOCUMENT, "document")
    check(spdx["spdxVersion"] == "SPDX-2.3" and spdx["dataLicense"] == "CC0-1.0", "document: another version")
    check(spdx["SPDXID"] == "SPDXRef-DOCUMENT", "document: another identifier")
    check(re.fullmatch(r"https?://[^#\s]+", spdx["documentNamespace"]), "document: the namespace is no URI")
    check(MOMENT.fullmatch(spdx["creationInfo"].get("created", "")), "document: created is no moment")
    for creator in spdx["creationInfo"].get("creators", [""]):
        check(re.match(r"(Tool|Person|Organization): \S", creator), f"document: creator {creator!r}")


def check_licences(thing, where):
    for name in thing["licenseConcluded"].split(" AND ") + thing.get("licenseInfoInFiles", []):
        check(name in KNOWN, f"{where}: licence {name!r} is not one of this project")


def check_packages(spdx):
    for package in spdx["packages"]:
        where = f"package {package.get('name')}"
        check_fields(package, PACKAGE, where)
        check_licences(package, where)
        check(re.match(r"\d", package["versionInfo"]), f"{where}: version {package['versionInfo']!r}")
    main = spdx["packages"][0]
    sums = sorted(sum["checksumValue"] for file in spdx["files"] for sum in file["checksums"]
                  if sum["algorithm"] == "SHA1")
    code = hashlib.sha1("".join(sums).encode()).hexdigest()
    check(main["packageVerificationCode"]["packageVerificationCodeValue"] == code, "the code of the files is wrong")
    check(sorted(main["hasFiles"]) == sorted(file["SPDXID"] for file in spdx["files"]), "hasFiles is wrong")


def check_files(spdx, root):
    listed = {}
    for file in spdx["files"]:
        check_fields(file, FILE, f"file {file.get('fileName')}")
        check_licences(file, file["fileName"])
        listed[file["fileName"]] = {sum["algorithm"]: sum["checksumValue"] for sum in file["checksums"]}
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found["./" + str(path.relative_to(root))] = {
                "SHA1": hashlib.sha1(content).hexdigest(), "SHA256": hashlib.sha256(content).hexdigest()}
    for name in sorted(listed.keys() ^ found.keys()):
        check(False, f"{name} is in one of list and root only")
    for name in sorted(listed.keys() & found.keys()):
        check(listed[name] == found[name], f"{name}: the checksums are not those of the file")
    check(len(found) > 100, f"there are {len(found)} files only")


def check_identifiers(spdx):
    names = [spdx["SPDXID"]] + [thing["SPDXID"] for thing in spdx["packages"] + spdx["files"]]
    check(len(names) == len(set(names)), "an identifier is there twice")
    for name in names:
        check(IDENTIFIER.fullmatch(name), f"{name!r} is no identifier")
    for relation in spdx["relationships"]:
        for end in ["spdxElementId", "relatedSpdxElement"]:
            check(relation[end] in names, f"{relation[end]} is nothing in the list")
    linked = {relation["relatedSpdxElement"] for relation in spdx["relationships"]}
    for package in spdx["packages"]:
        check(package["SPDXID"] in linked, f"package {package['name']}: no relation leads to it")


def check_links(spdx, root):
    """Each library that a file names is one of the root, or there is a package that has it."""
    names = {package["name"] for package in spdx["packages"]}
    own = {path.name for path in root.rglob("*.so*")}
    for path in root.rglob("*"):
        if not path.is_file() or path.is_symlink() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        text = subprocess.run(["readelf", "-d", path], check=True, stdout=subprocess.PIPE, text=True).stdout
        for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", text):
            word = re.match(r"(?:lib)?([a-z]+)", needed).group(1)
            word = "glibc" if word in {"c", "m", "ld", "dl", "pthread", "resolv", "rt"} else word
            check(needed in own or any(word in name for name in names), f"{path.name} needs {needed}: no package")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: sbom.py FILE ROOT")
    spdx = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    root = pathlib.Path(sys.argv[2])
    check_document(spdx)
    check_packages(spdx)
    check_files(spdx, root)
    check_identifiers(spdx)
    check_links(spdx, root)
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
