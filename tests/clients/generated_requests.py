"""Requests that schemathesis makes of the OpenAPI document, and what they must not touch.

Each answer must have a status, a media type, headers and a document that the OpenAPI document
lists, the server may not fail, and what breaks the document must be refused. The environment variable
`SMALTI_GENERATED_REQUESTS` says how many requests there are at least.
"""

import json
import os
import random
import subprocess
import uuid

import requests

from commands import BIN
from scenarios import MIB, ROOT, URL, play, same, scenario, some_bytes

LEAST = int(os.environ.get("SMALTI_GENERATED_REQUESTS", "1500"))
DOCUMENT = URL.removesuffix("/image") + "/openapi.json"
HOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generated_hooks.py")

# What is tested of each answer.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
]

# Where patches work; `/protected` is left out, for without it images may be deleted.
POINTERS = ["name", "tags", "min_ram", "min_disk", "os_hidden", "visibility", "owner"]
POINTERS += ["disk_format", "status", "mine", "mine/deeper", "tags/0"]

# A refusal is any of these; an unknown transfer encoding is 501.
REFUSALS = ["4xx", 501]

# The server is who started this script.
SERVER = f"/proc/{os.getppid()}"

root = requests.Session()
root.headers["X-Auth-Token"] = ROOT
kept = {}


@scenario
def five_protected_images_with_data():
    for number in range(5):
        id = str(uuid.UUID(int=random.Random(number).getrandbits(128), version=4))
        record = {"id": id, "name": f"kept {number}", "protected": True}
        formats = {"disk_format": "raw", "container_format": "bare"}
        root.post(f"{URL}/v2/images", json={**record, **formats}).raise_for_status()
        kept[id] = some_bytes(number, number * MIB + number + 1)
        octets = {"Content-Type": "application/octet-stream"}
        sent = root.put(f"{URL}/v2/images/{id}/file", data=kept[id], headers=octets)
        sent.raise_for_status()
    return f"{sum(map(len, kept.values()))} bytes in {len(kept)} images"


@scenario
def every_answer_is_one_that_the_document_lists():
    configure()
    before = figures()
    count, round_ = 0, 0
    while count < LEAST:
        round_ += 1
        count += generate(round_)
    return f"{count} requests in {round_} rounds; before {before}, after {figures()}"


@scenario
def the_protected_images_are_there_with_the_same_bytes():
    for id, data in kept.items():
        image = root.get(f"{URL}/v2/images/{id}").json()
        same((image["protected"], image["size"]), (True, len(data)))
        assert image["status"] in ("active", "deactivated"), image
        assert root.get(f"{URL}/v2/images/{id}/file").content == data, f"data of {id}"
    return f"{len(kept)} images, each byte compared"


def configure():
    """Says what schemathesis is told besides the document; images that it names often exist."""
    often = '{ dictionary = "%s", probability = 0.6 }'
    bindings = {"path.image_id": "images", "query.marker": "images"}
    bindings |= {f"body.[*].{name}": "pointers" for name in ("path", "add", "replace", "remove")}
    pointers = [f"/{name}" for name in POINTERS]
    lines = [
        f"hooks = {json.dumps(HOOKS)}",
        "[dictionaries]",
        f"images.values = {json.dumps(list(kept))}",
        f"pointers.values = {json.dumps(pointers)}",
        "[parameters]",
        *(f'"{place}" = {often % words}' for place, words in bindings.items()),
        "[checks.negative_data_rejection]",
        f"expected-statuses = {json.dumps(REFUSALS)}",
    ]
    with open("schemathesis.toml", "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def generate(round_):
    """Plays a round, each with a seed of its own; returns how many requests it made.

    The first begins with cases for each bound of the document, which are always the same, and ends
    with requests that follow the links of images that were made.
    """
    phases = "coverage,fuzzing,stateful" if round_ == 1 else "fuzzing"
    examples = 15 if LEAST <= 2000 else 60
    options = ["--url", URL, "--header", f"X-Auth-Token:{ROOT}", "--checks", ",".join(CHECKS)]
    options += ["--phases", phases, "--max-examples", str(examples), "--seed", str(round_)]
    options += ["--continue-on-failure", "--no-shrink", "--no-color", "--warnings", "off"]
    options += ["--generation-database", "none", "--suppress-health-check", "all"]
    options += ["--report", "ndjson", "--report-ndjson-path", "events.ndjson"]
    done = subprocess.run(
        [os.path.join(BIN, "schemathesis"), "run", DOCUMENT, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, f"round {round_}: {said[-8000:]}"
    return answered()


def answered():
    """Counts the requests of a round that were answered."""
    count = 0
    with open("events.ndjson", encoding="utf-8") as events:
        for line in events:
            scenario_ = json.loads(line).get("ScenarioFinished", {})
            made = scenario_.get("recorder", {}).get("interactions", {})
            count += sum(1 for it in made.values() if it.get("response"))
    return count


def figures():
    """Returns the memory and the open files of the server."""
    with open(f"{SERVER}/status", encoding="utf-8") as status:
        resident = next(line.split()[1] for line in status if line.startswith("VmRSS"))
    return f"{int(resident) // 1024} MiB and {len(os.listdir(f'{SERVER}/fd'))} files"


if __name__ == "__main__":
    play("schemathesis")
