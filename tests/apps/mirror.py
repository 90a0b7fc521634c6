#!/usr/bin/env python3
"""An HTTP server of a folder that misbehaves as asked, for models.sh. Listens on a free port of this machine, writes the port into the
file PORT and ends with the process that started it, or after five minutes.

    mirror.py FOLDER PORT

The first part of a path says how the file behind it is served:

    /good/FILE     with ranges
    /plain/FILE    without ranges: always from the beginning
    /broken/FILE   with ranges; breaks off in the middle of what is asked for, the first three times
    /short/FILE    promises all, with ranges, and always breaks off after 1000 bytes of the file
    /slow/FILE     with ranges, 20 kB a second
    /shifted/FILE  a range that begins elsewhere than asked for
    /huge/FILE     promises 2^60 bytes
    /moved/FILE    redirected to /good/FILE
    /loop/FILE     redirected to itself
    /away/FILE     redirected to another scheme
    /secret/FILE   only for user ada with password lovelace
    /busy/FILE     503
"""
import base64
import http.server
import os
import pathlib
import re
import sys
import threading
import time
import urllib.parse

folder, port_file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
breaks = {}
asked = open(f"{port_file}.log", "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        way, _, name = urllib.parse.unquote(self.path.split("?")[0]).lstrip("/").partition("/")
        bounds = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        print(way, name, self.headers.get("Range", ""), file=asked)
        if way in ("moved", "loop", "away"):
            target = {"moved": f"/good/{name}", "loop": self.path, "away": f"ftp://127.0.0.1/{name}"}[way]
            return self.answer(302, {"Location": target, "Content-Length": "0"})
        if way == "busy":
            return self.answer(503, {"Content-Length": "0"})
        if way == "secret" and self.headers.get("Authorization") != "Basic " + base64.b64encode(b"ada:lovelace").decode():
            return self.answer(401, {"Content-Length": "0"})
        path = folder / name
        if not path.is_file():
            return self.answer(404, {"Content-Length": "0"})
        self.send(way, path.read_bytes(), int(bounds[1]) if bounds and way != "plain" else None)

    def send(self, way, whole, begin):
        if begin is not None and begin >= len(whole):
            return self.answer(416, {"Content-Range": f"bytes */{len(whole)}", "Content-Length": "0"})
        body = whole[begin or 0:]
        headers = {"Content-Length": str(1 << 60 if way == "huge" else len(body))}
        if begin is not None:
            at = begin + (way == "shifted")
            headers["Content-Range"] = f"bytes {at}-{len(whole) - 1}/{len(whole)}"
        self.answer(200 if begin is None else 206, headers)
        breaks[way] = breaks.get(way, 0) + 1
        if way == "broken" and breaks[way] <= 3:
            body = body[:len(body) // 2]
        if way == "short":
            body = body[:max(0, 1000 - (begin or 0))]
        try:
            for i in range(0, len(body), 2000):
                self.wfile.write(body[i:i + 2000])
                if way == "slow":
                    self.wfile.flush()
                    time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = way in ("broken", "short", "huge")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *_: None  # a client that went away
threading.Thread(target=server.serve_forever, daemon=True).start()
port_file.with_suffix(".new").write_text(str(server.server_port))
port_file.with_suffix(".new").rename(port_file)
parent, end = os.getppid(), time.monotonic() + 300
while os.getppid() == parent and time.monotonic() < end:
    time.sleep(0.2)
