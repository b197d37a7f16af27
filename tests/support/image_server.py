#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server of one image that misbehaves as the path says.

Usage: image_server.py FILE. Prints its port (loopback, chosen by the kernel) on the first line of
stdout, then one line per request; ends when stdin closes.

/ok           the file                       /404, /500    that status
/flaky/N      500 for the first N requests   /stall        half of the file, then nothing
/slow         the file, slowly               /truncated    half of what Content-Length says
/long         more than the file             /chunked-cut  chunked, ends without the last chunk
/elsewhere    redirect to another host       /here         redirect to /ok
/loop         redirect to itself             /changed      the file with one byte changed
/gate         the file once another request for /open has come
"""
import http.server
import sys
import threading

with open(sys.argv[1], "rb") as image:
    DATA = image.read()
lock = threading.Lock()
counts = {}
gate = threading.Event()
ending = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, body, length=None, status=200, headers=()):
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("Connection", "close")
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            counts[self.path] = counts.get(self.path, 0) + 1
            nth = counts[self.path]
            print(self.path, flush=True)
        try:
            self.serve(nth)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def serve(self, nth):
        port = self.server.server_address[1]
        path = self.path
        if path == "/ok":
            self.reply(DATA)
        elif path in ("/404", "/500"):
            self.reply(b"an error page", status=int(path[1:]))
        elif path.startswith("/flaky/"):
            if nth <= int(path.split("/")[2]):
                self.reply(b"try again", status=503)
            else:
                self.reply(DATA)
        elif path == "/stall":
            self.reply(DATA[: len(DATA) // 2], length=len(DATA))
            self.wfile.flush()
            ending.wait()
        elif path == "/slow":
            self.reply(b"", length=len(DATA))
            for i in range(0, len(DATA), 64):
                self.wfile.write(DATA[i : i + 64])
                if ending.wait(0.02):
                    return
        elif path == "/truncated":
            self.reply(DATA[: len(DATA) // 2], length=len(DATA))
        elif path == "/long":
            self.reply(DATA + b"more")
        elif path == "/chunked-cut":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n" % len(DATA) + DATA + b"\r\n")
            self.close_connection = True
        elif path == "/elsewhere":
            self.reply(b"", status=302, headers=[("Location", "http://localhost:%d/ok" % port)])
        elif path == "/here":
            self.reply(b"", status=302, headers=[("Location", "/ok")])
        elif path == "/loop":
            self.reply(b"", status=302, headers=[("Location", "/loop")])
        elif path == "/changed":
            self.reply(DATA[:-1] + bytes([DATA[-1] ^ 1]))
        elif path == "/gate":
            gate.wait()
            self.reply(DATA)
        elif path == "/open":
            gate.set()
            self.reply(b"")
        else:
            self.reply(b"", status=400)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
ending.set()
