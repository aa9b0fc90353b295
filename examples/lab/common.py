# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the examples share: programs that may be missing, waiting for a condition, and a web server."""

import os
import shutil
import time
from pathlib import Path

import pytest

os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]  # of the host's network, which the hosts of a lab do not reach

NGINX = """
user root root; daemon off; master_process off; pid FOLDER/pid; error_log stderr;
events {}
http {
    access_log off; sendfile on;
    client_body_temp_path FOLDER/temp; proxy_temp_path FOLDER/temp; fastcgi_temp_path FOLDER/temp;
    uwsgi_temp_path FOLDER/temp; scgi_temp_path FOLDER/temp;
    server { listen 80; root FOLDER/www; }
}
"""


def need(*programs: str) -> None:
    """Skips the test where one of these programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def until(what, condition, seconds=30, pause=0.02):
    """Waits until the condition is true, and returns its value. The test fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(pause)
    return value


def nginx(folder: Path, pages: dict[str, bytes]) -> str:
    """The command of a web server with these pages, on port 80."""
    need("nginx")
    (folder / "www").mkdir(parents=True)
    for page, content in pages.items():
        (folder / "www" / page).write_bytes(content)
    (folder / "nginx.conf").write_text(NGINX.replace("FOLDER", str(folder)))
    return f"nginx -e stderr -c {folder}/nginx.conf"
