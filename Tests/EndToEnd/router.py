#!/usr/bin/python3
"""A small home router for tests: NAT-PMP (RFC 6886) and a UPnP internet gateway. Prints what it is asked, a line each.

    router.py ADDRESS --nat-pmp yes|refuse|no --upnp yes|permanent|conflict|refuse|no [--lease SECONDS]
"""

import argparse
import http.server
import re
import socket
import struct
import threading

OUTSIDE = "44.1.2.3"
SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
DESCRIPTION = """<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor>
</specVersion><device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><serviceList><service>
<serviceType>urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1</serviceType><controlURL>/common</controlURL>
<SCPDURL>/scpd</SCPDURL><eventSubURL>/event</eventSubURL></service></serviceList><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType><serviceList><service>
<serviceType>%s</serviceType><controlURL>/control</controlURL><SCPDURL>/scpd</SCPDURL><eventSubURL>/event</eventSubURL>
</service></serviceList></device></deviceList></device></deviceList></device></root>""" % SERVICE
ERRORS = {"permanent": 725, "conflict": 718, "refuse": 606}


def say(*words):
    print(*words, flush=True)


def nat_pmp(options):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((options.address, 5351))
    while True:
        packet, client = listener.recvfrom(100)
        operation = packet[1]
        result = 2 if getattr(options, "nat_pmp") == "refuse" else 0
        head = struct.pack(">BBHI", 0, 128 + operation, result, 1)
        if operation == 0:
            listener.sendto(head + socket.inet_aton(OUTSIDE), client)
        else:
            inside, outside, lifetime = struct.unpack(">HHI", packet[4:12])
            say("NAT-PMP", "remove" if lifetime == 0 else "map", inside, outside, lifetime)
            given = min(lifetime, options.lease or lifetime)
            listener.sendto(head + struct.pack(">HHI", inside, outside, given), client)


def search(options, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", 1900))
    group = socket.inet_aton("239.255.255.250") + socket.inet_aton(options.address)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    while True:
        packet, client = listener.recvfrom(2000)
        wanted = re.search(rb"\r\nST: *(\S+)", packet, re.I)
        if packet.startswith(b"M-SEARCH") and wanted and b"InternetGatewayDevice" in wanted[1]:
            listener.sendto(b"HTTP/1.1 200 OK\r\nST: %s\r\nUSN: uuid:1\r\nLOCATION: http://%s:%d/description\r\n\r\n"
                            % (wanted[1], options.address.encode(), port), client)


class Gateway(http.server.BaseHTTPRequestHandler):
    options = None
    refused = 0

    def do_GET(self):
        self.reply(200, DESCRIPTION)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        action = self.headers["SOAPAction"].strip('"').partition("#")[2]
        fields = dict(re.findall(r"<(New\w+)>([^<]*)<", body))
        answer = {"GetStatusInfo": {"NewConnectionStatus": "Connected", "NewUptime": 1, "NewLastConnectionError": "ERROR_NONE"},
                  "GetExternalIPAddress": {"NewExternalIPAddress": OUTSIDE}}.get(action, {})
        if action in ("AddPortMapping", "DeletePortMapping"):
            say("UPnP", "map" if action[0] == "A" else "remove", fields.get("NewInternalPort", "-"), fields["NewExternalPort"],
                fields.get("NewLeaseDuration", "-"))
        if action == "AddPortMapping" and self.is_refused(fields):
            code = ERRORS[self.options.upnp]
            return self.reply(500, self.envelope("s:Fault", f"<detail><UPnPError xmlns='urn:schemas-upnp-org:control-1-0'>"
                                                 f"<errorCode>{code}</errorCode></UPnPError></detail>", ""))
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in answer.items())
        self.reply(200, self.envelope(f"u:{action}Response", fields, f" xmlns:u='{SERVICE}'"))

    def is_refused(self, fields):
        if self.options.upnp == "permanent":
            return fields["NewLeaseDuration"] != "0"
        Gateway.refused += 1
        return self.options.upnp == "refuse" or self.options.upnp == "conflict" and Gateway.refused == 1

    def envelope(self, name, inside, namespace):
        return (f"<?xml version='1.0'?><s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><{name}{namespace}>"
                f"{inside}</{name}></s:Body></s:Envelope>")

    def reply(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--nat-pmp", default="yes")
    parser.add_argument("--upnp", default="yes")
    parser.add_argument("--lease", type=int, default=0, help="the longest that is given by NAT-PMP")
    options = Gateway.options = parser.parse_args()
    if options.nat_pmp != "no":
        threading.Thread(target=nat_pmp, args=(options,), daemon=True).start()
    server = http.server.ThreadingHTTPServer((options.address, 0), Gateway)
    if options.upnp != "no":
        threading.Thread(target=search, args=(options, server.server_port), daemon=True).start()
    say("UP")
    server.serve_forever()


if __name__ == "__main__":
    main()
