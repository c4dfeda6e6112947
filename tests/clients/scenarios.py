"""What the scripts share: scenarios that print a line each, identities, refusals and bytes."""

import contextlib
import hashlib
import http.server
import random
import sys
import threading
import time

import requests
from requests.adapters import HTTPAdapter

# The service lies below a path of its host, and so does the identity service.
URL = sys.argv[1]
IDENTITY_URL = URL.removesuffix("/image") + "/identity/v3"

MIB = 1 << 20
GIB = 1 << 30

# Tokens that the server knows; each stands for a member of one project, the last for an admin. The
# project of carol may have 3 images and 2 MiB.
ALICE, BOB, CAROL, ROOT = "alice", "bob", "carol", "root"
PROJECT_A, PROJECT_B = "project-a", "project-b"

# Characters of two and three bytes; those of four are refused.
UNICODE = "\u00e9t\u00e9 \u0416\u0443\u043a \u65e5\u672c\u8a9e \u20ac"

SCENARIOS = []


def scenario(function):
    """Adds a function to what is played; it returns what is told of it."""
    SCENARIOS.append(function)
    return function


def play(client):
    """Plays all scenarios in their order; the first that fails ends the script."""
    begun = time.monotonic()
    for function in SCENARIOS:
        start = time.monotonic()
        detail = function()
        took = time.monotonic() - start
        print(f"ok {client}/{function.__name__}: {detail} ({took:.1f} s)")
    print(f"done {client}: {len(SCENARIOS)} scenarios in {time.monotonic() - begun:.0f} s")


def same(found, expected):
    """Ends the script unless both are equal."""
    assert found == expected, f"found {found!r:.1000}, expected {expected!r:.1000}"


def refused(expected, function, *args, **kwargs):
    """Calls what must raise exactly the expected exception, and returns that."""
    try:
        found = function(*args, **kwargs)
    except Exception as error:
        same(type(error), expected)
        return error
    raise AssertionError(f"no {expected.__name__}, but {found!r}")


def some_bytes(seed, size):
    """Returns bytes that are the same for the same seed."""
    return random.Random(seed).randbytes(size)


def sparse_file(path, size, seed):
    """Makes a file of holes with random stretches, and returns its SHA-512."""
    stretches = random.Random(seed)
    with open(path, "wb") as file:
        for start in range(0, size, 64 * MIB):
            file.seek(start + stretches.randrange(32 * MIB))
            file.write(stretches.randbytes(3 * MIB + 17))
        file.truncate(size)
    return file_digest(path)


def file_digest(path, algorithm="sha512"):
    """Returns the digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def thousand_images(token):
    """Makes a thousand images, past the client for the sake of time; returns their names."""
    names = [f"page-{number:04}" for number in range(1000)]
    with requests.Session() as session:
        session.headers["X-Auth-Token"] = token
        for name in names:
            record = {"name": name, "paged": "yes"}
            session.post(f"{URL}/v2/images", json=record).raise_for_status()
    return names


@contextlib.contextmanager
def served(data):
    """Serves data on this machine, as a server of the web does, and gives its url."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/disk.raw"
    finally:
        server.shutdown()


def eventually(look, wanted, limit_s=60):
    """Waits until something is as wanted, and returns that."""
    begun = time.monotonic()
    while (found := look()) != wanted:
        assert time.monotonic() - begun < limit_s, f"found {found!r:.1000}, never {wanted!r:.1000}"
        time.sleep(0.05)
    return found


class Speed:
    """Tells how fast a number of bytes went through a block."""

    def __init__(self, size):
        self.size = size

    def __enter__(self):
        self.begun = time.monotonic()
        return self

    def __exit__(self, *_):
        took = time.monotonic() - self.begun
        self.text = f"{self.size / 1e6 / took:.0f} MB/s"


class Damage(HTTPAdapter):
    """A transport that flips one bit of each answer with data."""

    def send(self, request, **kwargs):
        response = super().send(request, **kwargs)
        if request.path_url.endswith("/file"):
            response.raw = Flipped(response.raw)
        return response


class Flipped:
    """A body with one bit flipped in each piece that is read."""

    def __init__(self, raw):
        self.raw = raw

    def __getattr__(self, name):
        return getattr(self.raw, name)

    def stream(self, *args, **kwargs):
        for piece in self.raw.stream(*args, **kwargs):
            yield bytes([piece[0] ^ 1]) + piece[1:]
