"""The command `openstack image`, with a user name, an identity service and its catalog."""

import hashlib
import json
import uuid

from commands import Command, identity_settings
from scenarios import ALICE, BOB, MIB, PROJECT_A, PROJECT_B, ROOT, UNICODE, URL
from scenarios import Speed, eventually, file_digest, play, same, scenario, served
from scenarios import some_bytes, sparse_file
from scenarios import thousand_images


class Image:
    """The command `openstack image` of a user."""

    def __init__(self, user):
        self.command = Command("openstack", **identity_settings(user))

    def __call__(self, *arguments, **given):
        return self.command("image", *arguments, **given)

    def json(self, *arguments, **given):
        """Runs a command that prints, and reads that."""
        return json.loads(self(*arguments, "-f", "json", **given))

    def batch(self, *commands, errors=()):
        """Runs commands of one line in one process, and reads what they print; these errors, and
        no others, come in this order."""
        lines = "\n".join(f"image {command}" for command in commands)
        # Fed like that, the command always ends with 1; it tells errors apart, a line for each.
        done = self.command.run(data=lines.encode())
        found = [line for line in done.stderr.decode().splitlines() if line]
        are_as_expected = len(found) == len(errors) and all(map(str.__contains__, found, errors))
        assert are_as_expected, f"{commands}: {found}, expected {errors}"
        output, printed = done.stdout.decode().lstrip(), []
        while output:
            document, end = json.JSONDecoder().raw_decode(output)
            printed.append(document)
            output = output[end:].lstrip()
        return printed

    def lists(self, *options):
        """Returns the names in lists with these options, one list for each."""
        lists = self.batch(*[f"list -f json {some}" for some in options])
        return [[image["Name"] for image in images] for images in lists]

    def fails(self, words, *arguments, **given):
        self.command.fails(words, "image", *arguments, **given)


alice, bob, root = Image(ALICE), Image(BOB), Image(ROOT)


@scenario
def create_with_every_option():
    given = {
        "id": str(uuid.uuid4()),
        "disk_format": "qcow2",
        "container_format": "ovf",
        "min_disk": 10,
        "min_ram": 512,
    }
    options = [word for name in given for word in (f"--{name.replace('_', '-')}", str(given[name]))]
    options += ["--public", "--protected", "--project", PROJECT_B, "--tag", "one", "--tag", "two"]
    options += ["--property", "os_distro=debian", "--property", "k=v"]
    found = root.json("create", "every option", *options)
    same({name: found[name] for name in given}, given)
    same((found["visibility"], found["protected"], found["owner"]), ("public", True, PROJECT_B))
    same((sorted(found["tags"]), found["status"]), (["one", "two"], "queued"))
    same([found["properties"][name] for name in ("os_distro", "k")], ["debian", "v"])
    root.batch(f"set --unprotected {given['id']}", f"delete {given['id']}")
    root.fails("ConflictException", "create", "again", "--id", given["id"])
    return f"{len(given) + 7} options came back, the id stays used after delete"


@scenario
def upload_and_save_of_a_file():
    digest = sparse_file("up.raw", 256 * MIB, seed=31)
    with Speed(256 * MIB) as up:
        alice("create", "file", "--file", "up.raw", "--progress")
    found = alice.json("show", "file")
    same((found["status"], found["size"]), ("active", 256 * MIB))
    same(found["properties"]["os_hash_value"], digest)
    with Speed(256 * MIB) as down:
        alice("save", "file", "--file", "down.raw")
    same(file_digest("down.raw"), digest)
    return f"256 MiB up {up.text}, down and verified {down.text}, with progress"


@scenario
def upload_from_a_pipe():
    data = some_bytes(32, 2 * MIB + 1)
    found = alice.json("create", "pipe", data=data)
    same(found["checksum"], hashlib.md5(data).hexdigest())
    alice("save", "pipe", "--file", "pipe.raw", "--chunk-size", "4096")
    same(file_digest("pipe.raw", "md5"), found["checksum"])
    return f"{len(data)} bytes, saved in small pieces"


@scenario
def lists():
    alice("create", "b", "--tag", "listed", "--property", "os_distro=debian", data=b"b" * 10)
    alice("create", "a", "--tag", "listed", "--tag", "t", "--private", data=b"a" * 1000)
    alice("create", "c", "--tag", "listed", "--disk-format", "iso")
    asked = {
        "--sort name:asc": ["a", "b", "c"],
        "--private": ["a"],
        "--public": [],
        "--shared --sort name:desc": ["c", "b"],
        "--status queued": ["c"],
        "--tag t": ["a"],
        "--name b": ["b"],
        "--property os_distro=debian": ["b"],
        f"--project {PROJECT_A}": ["a", "b", "c"],
        # The command sorts what it has got: the newest two.
        "--limit 2": ["a", "c"],
    }
    found = alice.lists(*[f"--tag listed {options}" for options in asked])
    same(dict(zip(asked, found, strict=True)), asked)
    listed, hidden = alice.batch(
        "list --long --name b -f json",
        "set c --hidden",
        "list --hidden --tag listed -f json",
    )
    same([listed[0][it] for it in ("Size", "Project", "Status")], [10, PROJECT_A, "active"])
    same([image["Name"] for image in hidden], ["c"])
    return f"{len(asked) + 2} lists by filter and order, short and --long"


@scenario
def pages_of_a_thousand_images():
    expected = thousand_images(ALICE)
    # Asked for without an order; by name is how the command shows what it has got.
    every, newest, behind = alice.lists(
        "--property paged=yes",
        "--max-items 70",
        f"--marker {expected[500]} --limit 60",
    )
    same(every, expected)
    same(newest, expected[-70:])
    same(behind, expected[440:500])
    return "1,000 images in pages of 25, each once; the newest 70; 60 behind a marker"


@scenario
def set_and_unset():
    alice("create", "before", "--property", "removed=1", "--property", "changed=2", "--tag", "old")
    (found,) = alice.batch(
        "set before --name after --property changed=22 --property added=3",
        "set after --tag new --min-ram 64 --os-distro debian",
        "unset after --property removed --tag old",
        "show after -f json",
        "set after --public",
        errors=["ForbiddenException: 403"],
    )
    same((found["min_ram"], found["tags"]), (64, ["new"]))
    custom = [found["properties"].get(it) for it in ("changed", "added", "os_distro", "removed")]
    same(custom, ["22", "3", "debian", None])
    return "changed, added, removed; tags too; public is for admins"


@scenario
def sharing_between_two_projects():
    image = alice.json("create", "shared", data=b"shared")["id"]
    bob.fails("No Image found", "show", image)
    (added,) = alice.batch(
        f"add project shared {PROJECT_B} -f json",
        f"add project shared {PROJECT_B} -f json",
        errors=["ConflictException: 409"],
    )
    same(added["status"], "pending")
    listed = bob.batch(
        "list -f json",
        "list --shared --member-status pending -f json",
        f"set {image} --accept",
        "list -f json",
        f"save {image} --file shared.raw",
        f"set {image} --reject --project {PROJECT_B}",
        "list -f json",
        f"member get {image} {PROJECT_B} -f json",
    )
    same([len(images) for images in listed[:4]], [0, 1, 1, 0])
    same(listed[4]["status"], "rejected")
    same(open("shared.raw", "rb").read(), b"shared")
    (members,) = alice.batch("member list shared -f json", f"remove project shared {PROJECT_B}")
    same([(it["Member ID"], it["Status"]) for it in members], [(PROJECT_B, "rejected")])
    bob.fails("No Image found", "show", image)
    return "pending, accepted, rejected; each side lists what it should"


@scenario
def deactivation_and_protection():
    alice("create", "closed", "--protected", data=b"closed")
    alice("create", "second")
    (shown,) = alice.batch(
        "set closed --deactivate",
        "save closed --file refused.raw",
        "set closed --activate",
        "show closed -f json",
        "save closed --file closed.raw",
        "delete closed",
        "set closed --unprotected",
        "delete closed second",
        "show closed",
        errors=["checksum mismatch", "403", "Failed to delete 1 of 1", "No Image found"],
    )
    same(shown["status"], "active")
    same(open("closed.raw", "rb").read(), b"closed")
    return "data closed; delete refused, then allowed for two at once"


@scenario
def unicode_everywhere():
    alice("create", UNICODE, "--property", f"note={UNICODE}", "--tag", UNICODE)
    found = alice.json("show", UNICODE)
    same((found["name"], found["tags"]), (UNICODE, [UNICODE]))
    same(found["properties"]["note"], UNICODE)
    return f"{UNICODE!r} as name, tag and property, found by name"


@scenario
def stores_and_imports():
    data = some_bytes(91, MIB + 3)
    with open("staged.raw", "wb") as file:
        file.write(data)
    (stores,) = alice.batch("stores list -f json")
    same([store["ID"] for store in stores], ["fast", "slow"])
    alice("create", "staged")
    alice("stage", "staged", "--file", "staged.raw")
    alice("import", "staged", "--method", "glance-direct", "--store", "slow")

    def stores_of(name):
        return alice.json("show", name)["properties"].get("stores")

    eventually(lambda: stores_of("staged"), "slow")
    root("import", alice.json("show", "staged")["id"], "--method", "copy-image", "--all-stores")
    eventually(lambda: stores_of("staged"), "slow,fast")
    with served(data) as url:
        alice("create", "web")
        alice("import", "web", "--method", "web-download", "--uri", url)
        eventually(lambda: alice.json("show", "web")["status"], "active")
    alice("save", "web", "--file", "web.raw")
    same(open("web.raw", "rb").read(), data)
    tasks = root.json("task", "list")
    same(len(tasks), 3)
    return "staged, copied, fetched; two stores and three tasks are listed"


@scenario
def the_cache_is_managed():
    image = alice.json("create", "far", data=b"far away")["id"]
    cached = lambda: {it["ID"]: it["State"] for it in json.loads(root.command("cached", "image", "list", "-f", "json"))}
    root.command("cached", "image", "clear")
    root.command("cached", "image", "queue", image)
    eventually(lambda: cached().get(image), "cached")
    root.command("cached", "image", "delete", image)
    same(cached().get(image), None)
    root.command("cached", "image", "clear", "--queue")
    alice.command.fails("403", "cached", "image", "list")
    Image("nobody").fails("401", "list")
    return "queued, cached, deleted, cleared; alice is 403, nobody is 401"


if __name__ == "__main__":
    play("openstack")
