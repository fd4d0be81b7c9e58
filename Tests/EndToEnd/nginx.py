"""A real nginx in front of a Weir, with the lines of the user guide, for https and on a port of its own."""

import re
import subprocess

from lab import ROOT, can_connect, free_port, wait_for

# What surrounds those lines on any machine; everything it writes is in the lab's folder.
SURROUNDINGS = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
{lines}
    }}
}}
"""


def guide():
    """What the user guide says, by language: the settings of Weir, and the lines for nginx."""
    text = (ROOT / "Documentation/UserGuide.md").read_text()
    section = re.search(r"^## Behind a reverse proxy\n(.*?)^## ", text, re.M | re.S)[1]
    return dict(re.findall(r"^```(yaml|nginx)\n(.*?)^```", section, re.M | re.S))


class Nginx:
    def __init__(self, at, weir_port, name="nginx", change=lambda lines: lines):
        self.port, folder = free_port(), at.folder / name
        folder.mkdir()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=home.example", "-addext", "subjectAltName=DNS:home.example,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out",
             folder / "certificate.pem"], check=True, capture_output=True)
        lines = guide()["nginx"].replace("127.0.0.1:8089", f"127.0.0.1:{weir_port}")
        (folder / "nginx.conf").write_text(SURROUNDINGS.format(folder=folder, port=self.port, lines=change(lines)))
        self.log = folder / "error.log"
        process = at.start(["nginx", "-e", self.log, "-p", folder, "-c", folder / "nginx.conf"], f"{name}.console")
        wait_for(lambda: can_connect(self.port) or process.poll() is not None, 60, "nginx")
        if process.poll() is not None:
            raise AssertionError(f"nginx has ended: {self.log.read_text()}")

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/weir"
