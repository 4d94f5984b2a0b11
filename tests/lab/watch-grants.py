# SPDX-License-Identifier: LGPL-2.1-or-later
"""watch-grants.py STOP-FILE, run in a lab host: looks at what ballastd promises ten times a second, until that file is there, and
prints one line for each look at which guests were promised more than the host has. "Has" is [Host] Memory= without what the host
itself uses; a guest counts with what its QEMU holds by /proc, or with its balloon's target and QEMU's own where that is more.
Ends with the number of looks."""
import glob
import http.client
import json
import os
import socket
import sys
import time


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect("/run/ballast/api.sock")


def get(path):
    c = Unix("localhost")
    c.request("GET", "/v1/" + path)
    return json.load(c.getresponse())


def resident(name):
    with open(f"/run/libvirt/qemu/{name}.pid") as f:
        pid = f.read().strip()
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


looks = 0
while not glob.glob(sys.argv[1]):
    guests, host = get("guests")["guests"], get("hosts/self")["memory"]
    need = {g["name"]: max(resident(g["name"]), g["memory"]["target"] + g["memory"]["qemu"]) for g in guests}
    has = host["managed"] - host["other"]
    if sum(need.values()) > has:
        print("promised", {n: v >> 20 for n, v in need.items()}, "of", has >> 20, "MiB", flush=True)
    looks += 1
    time.sleep(0.1)
print("looks", looks)
