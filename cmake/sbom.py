#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes what the installed files are made of, as SPDX 2.3 in JSON.

    sbom.py SOURCE-DIR BUILD-DIR CMAKE VERSION OUTPUT

Files: each that `cmake --install` installs, with its checksums and licence. Packages: this one, and those whose
libraries the programs and libraries are linked with, with the versions that pkg-config has for them. The same
build makes the same text; the time in it is that of SOURCE_DATE_EPOCH, or of the last commit.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

# The beginning of a SONAME: the module of pkg-config. libmd is linked as an archive, so no file names it.
MODULES = {
    "libcap": "libcap",
    "libcares": "libcares",
    "libldns": "ldns",
    "liblwip": "lwip",
    "libmd": "libmd",
    "libnl-3": "libnl-3.0",
    "libvdeplug": "libvdeplug",
}
GLIBC = re.compile(r"(libc|libm|libdl|libpthread|librt|libresolv|ld-linux[-\w]*|ld64)\.so")
LICENCE = re.compile(rb"SPDX-License-Identifier:\s*([\w.+() -]+?)\s*(?:\*/|-->|$)", re.M)


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def install(build, cmake, root):
    """Installs all components below root, as a system would have them."""
    environment = dict(os.environ, DESTDIR=str(root))
    for part in [[], ["--component", "python"]]:
        output(cmake, "--install", build, "--prefix", "/usr", *part, env=environment)


def licences_of(content):
    return sorted({match.decode() for match in LICENCE.findall(content[:4096])})


def licences_of_sources(source):
    """The licences that the lines of the sources name; what is compiled has these."""
    found = set()
    for folder in ["src", "include", "python/src"]:
        for path in sorted((source / folder).rglob("*")):
            if path.suffix in {".c", ".h", ".hpp", ".py"}:
                lines = licences_of(path.read_bytes())
                if not lines:
                    sys.exit(f"sbom: {path} has no line SPDX-License-Identifier; add one")
                found.update(lines)
    return sorted(found)


def identifier(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def file_entry(root, path, ours):
    content = path.read_bytes()
    name = "./" + str(path.relative_to(root))
    binary = content[:4] == b"\x7fELF"
    licences = licences_of(content) or ours
    sha1 = hashlib.sha1(content).hexdigest()
    return {
        "fileName": name,
        "SPDXID": identifier("File", f"{name[2:]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"),
        "fileTypes": ["BINARY" if binary else "TEXT"],
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": sha1},
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(content).hexdigest()},
        ],
        "licenseConcluded": " AND ".join(licences),
        "licenseInfoInFiles": licences,
        "copyrightText": "NOASSERTION",
    }


def needed(path):
    """The SONAMEs that a program or library names."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", path))


def version_of(module):
    if module == "glibc":
        return output("getconf", "GNU_LIBC_VERSION").split()[1]
    if module == "libvdeplug":  # it has no file for pkg-config: the version in the name of its file
        file = pathlib.Path(output("cc", "-print-file-name=libvdeplug.so").strip()).resolve()
        return file.name.split(".so.")[-1]
    return output("pkg-config", "--modversion", module).strip()


def modules_of(root, files):
    """What the installed files are linked with."""
    own = {path.name for path in root.rglob("*.so*")}
    modules = {"libmd"}
    for entry in files:
        if entry["fileTypes"] != ["BINARY"]:
            continue
        for name in needed(root / entry["fileName"]):
            if GLIBC.match(name):
                modules.add("glibc")
            elif name.split(".so")[0] in MODULES:
                modules.add(MODULES[name.split(".so")[0]])
            elif name not in own:
                sys.exit(f"sbom: {entry['fileName']} needs {name}, which is in no list; add it to MODULES")
    return sorted(modules)


def moment(source):
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if seconds is None and (source / ".git").exists():
        seconds = output("git", "-C", source, "log", "-1", "--format=%ct").strip()
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(seconds or time.time())))


def package(name, version, licence):
    return {
        "name": name,
        "SPDXID": identifier("Package", name),
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
    }


def document(source, root, version):
    ours = licences_of_sources(source)
    paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    files = [file_entry(root, path, ours) for path in paths]
    sums = sorted(entry["checksums"][0]["checksumValue"] for entry in files)
    main = package("libvdestack", version, " AND ".join(ours))
    main.update(
        filesAnalyzed=True,
        packageVerificationCode={"packageVerificationCodeValue": hashlib.sha1("".join(sums).encode()).hexdigest()},
        licenseInfoFromFiles=sorted({name for entry in files for name in entry["licenseInfoInFiles"]}),
        hasFiles=[entry["SPDXID"] for entry in files],
    )
    others = [package(name, version_of(name), "NOASSERTION") for name in modules_of(root, files)]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", main["SPDXID"])]
    for other in others:
        kind = "STATIC_LINK" if other["name"] == "libmd" else "DYNAMIC_LINK"
        relations.append((main["SPDXID"], kind, other["SPDXID"]))
    code = main["packageVerificationCode"]["packageVerificationCodeValue"]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"libvdestack-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/libvdestack-{version}-{code}",
        "creationInfo": {"created": moment(source), "creators": ["Tool: libvdestack-sbom"]},
        "packages": [main, *others],
        "files": files,
        "relationships": [
            {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations
        ],
    }


def main():
    if len(sys.argv) != 6:
        sys.exit("usage: sbom.py SOURCE-DIR BUILD-DIR CMAKE VERSION OUTPUT")
    source, build, cmake, version, target = sys.argv[1:]
    with tempfile.TemporaryDirectory() as root:
        install(build, cmake, pathlib.Path(root))
        text = json.dumps(document(pathlib.Path(source), pathlib.Path(root), version), indent=1) + "\n"
    temporary = pathlib.Path(target + ".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)


if __name__ == "__main__":
    main()
