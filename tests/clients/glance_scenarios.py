"""The command glance, with the url of the service and a token."""

import hashlib
import json
import uuid

from commands import Command, identity_settings
from scenarios import ALICE, BOB, MIB, PROJECT_B, ROOT, UNICODE, URL
from scenarios import Speed, eventually, file_digest, play, same, scenario, served
from scenarios import some_bytes, sparse_file
from scenarios import thousand_images


def glance(token):
    return Command("glance", OS_IMAGE_URL=URL, OS_AUTH_TOKEN=token)


alice, bob, root = glance(ALICE), glance(BOB), glance(ROOT)


def rows(table):
    """Returns the cells of a table, row by row, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def shown(table):
    """Returns a table of names and values."""
    return dict(rows(table))


def create(*options, who=alice, data=None):
    formats = ["--disk-format", "raw", "--container-format", "bare"]
    return shown(who("image-create", *formats, *options, data=data))


def names(*options, who=alice):
    return [row[1] for row in rows(who("image-list", *options))]


@scenario
def create_with_every_option():
    given = {
        "id": str(uuid.uuid4()),
        "name": "every option",
        "visibility": "public",
        "min-disk": "10",
        "min-ram": "512",
        "protected": "True",
        "hidden": "True",
        "owner": PROJECT_B,
    }
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    options += ["--tags", "one", "two", "--property", "os_distro=debian", "--property", "k=a=b"]
    found = create(*options, who=root)
    given["os_hidden"] = given.pop("hidden")
    same({name: found[name.replace("-", "_")] for name in given}, given)
    same((found["os_distro"], found["k"], found["status"]), ("debian", "a=b", "queued"))
    same(sorted(json.loads(found["tags"])), ["one", "two"])
    root("image-update", given["id"], "--protected", "False")
    root("image-delete", given["id"])
    root.fails("HTTPConflict", "image-create", "--id", given["id"])
    return f"{len(given) + 3} options came back, the id stays used after delete"


@scenario
def upload_and_download_of_a_file():
    digest = sparse_file("up.raw", 256 * MIB, seed=21)
    image = create("--name", "file")
    with Speed(256 * MIB) as up:
        alice("image-upload", image["id"], "--file", "up.raw", "--progress")
    found = shown(alice("image-show", "--max-column-width", "128", image["id"]))
    same((found["status"], found["size"]), ("active", str(256 * MIB)))
    same((found["os_hash_algo"], found["os_hash_value"]), ("sha512", digest))
    with Speed(256 * MIB) as down:
        alice("image-download", image["id"], "--file", "down.raw", "--progress")
    same(file_digest("down.raw"), digest)
    return f"256 MiB up {up.text}, down and verified {down.text}, with progress"


@scenario
def upload_and_download_through_pipes():
    data = some_bytes(22, 2 * MIB + 1)
    image = create("--name", "pipe", data=data)
    same((image["status"], image["checksum"]), ("active", hashlib.md5(data).hexdigest()))
    later = create("--name", "later")
    same(later["status"], "queued")
    alice("image-upload", later["id"], data=data)
    alice("image-download", later["id"], "--file", "pipe.raw")
    same(file_digest("pipe.raw", "md5"), image["checksum"])
    alice.fails("HTTPConflict", "image-upload", later["id"], data=data)
    return f"{len(data)} bytes by image-create and by image-upload; again is 409"


@scenario
def lists():
    given = [("b", "--min-ram", "1"), ("a", "--tags", "t"), ("c", "--hidden", "True")]
    for name, *options in given:
        create("--name", name, "--property", "listed=yes", *options, data=name.encode() * 10)
    every = ["--property-filter", "listed=yes"]
    asked = [
        ([], ["a", "b"]),
        (["--sort", "name:desc"], ["b", "a"]),
        (["--tag", "t"], ["a"]),
        (["--hidden", "True"], ["c"]),
        (["--visibility", "shared"], ["a", "b"]),
        (["--checksum", hashlib.md5(b"a" * 10).hexdigest()], ["a"]),
        (["--hash", hashlib.sha512(b"b" * 10).hexdigest()], ["b"]),
        (["--property-filter", "created_at=gt:2020-01-01T00:00:00Z"], ["a", "b"]),
        (["--limit", "1", "--sort-key", "name", "--sort-dir", "asc"], ["a"]),
    ]
    for options, expected in asked:
        found = names(*every, *options)
        found = found if "desc" in str(options) else sorted(found)
        assert found == expected, f"{options}: {found}"
    return f"{len(asked)} lists by filter and order"


@scenario
def pages_of_a_thousand_images():
    expected = thousand_images(ALICE)
    every = ["--property-filter", "paged=yes", "--sort", "name:asc"]
    same(names(*every, "--page-size", "90"), expected)
    same(names(*every, "--page-size", "1000"), expected)
    same(names(*every, "--limit", "300"), expected[:300])
    return "1,000 images in pages of 90, 200 and 1,000, each once and in order"


@scenario
def update_of_properties_and_tags():
    image = create("--name", "before", "--property", "removed=1", "--property", "changed=2")
    options = ["--name", "after", "--property", "changed=22", "--property", "added=3"]
    updated = shown(alice("image-update", image["id"], *options, "--remove-property", "removed"))
    found = [updated.get(name) for name in ("name", "changed", "added", "removed")]
    same(found, ["after", "22", "3", None])
    alice("image-tag-update", image["id"], "new tag")
    alice("image-tag-update", image["id"], UNICODE)
    alice("image-tag-delete", image["id"], "new tag")
    same(json.loads(shown(alice("image-show", image["id"]))["tags"]), [UNICODE])
    alice.fails("HTTPForbidden", "image-update", image["id"], "--visibility", "public")
    return "changed, added, removed; tags added and removed; public is for admins"


@scenario
def sharing_between_two_projects():
    image = create("--name", "shared", data=b"shared")["id"]
    bob.fails("HTTPNotFound", "image-show", image)
    alice("member-create", image, PROJECT_B)
    alice.fails("HTTPConflict", "member-create", image, PROJECT_B)
    same(names(who=bob), [])
    same(names("--visibility", "shared", "--member-status", "pending", who=bob), ["shared"])
    bob("member-update", image, PROJECT_B, "accepted")
    same(names(who=bob), ["shared"])
    bob("image-download", image, "--file", "shared.raw")
    same(open("shared.raw", "rb").read(), b"shared")
    bob("member-update", image, PROJECT_B, "rejected")
    same(names(who=bob), [])
    same(rows(alice("member-list", "--image-id", image)), [[image, PROJECT_B, "rejected"]])
    same(shown(bob("member-get", image, PROJECT_B))["status"], "rejected")
    alice("member-delete", image, PROJECT_B)
    bob.fails("HTTPNotFound", "image-show", image)
    return "pending, accepted, rejected; each side lists what it should"


@scenario
def deactivation_and_protection():
    image = create("--name", "closed", "--protected", "True", data=b"closed")["id"]
    alice("image-deactivate", image)
    alice.fails("Unable to download image", "image-download", image, "--file", "closed.raw")
    root("image-download", image, "--file", "closed.raw")
    alice("image-reactivate", image)
    alice("image-download", image, "--file", "closed.raw")
    alice.fails("not permitted", "image-delete", image)
    alice("image-update", image, "--protected", "False")
    alice("image-delete", image)
    alice.fails("HTTPNotFound", "image-show", image)
    return "data closed to all but admins; delete refused, then allowed, then 404"


@scenario
def unicode_everywhere():
    image = create("--name", UNICODE, "--property", f"note={UNICODE}")
    found = shown(alice("image-show", image["id"]))
    same((found["name"], found["note"]), (UNICODE, UNICODE))
    same(names("--property-filter", f"name={UNICODE}"), [UNICODE])
    return f"{UNICODE!r} as name, tag and property"


@scenario
def the_url_comes_from_the_catalog_of_an_identity_service():
    by_name = Command("glance", **identity_settings(BOB))
    shown(by_name("image-create", "--name", "bob's"))
    assert "bob's" in names(who=by_name)
    assert "bob's" in names(who=bob)
    return "user name and password, catalog, versions, then image-create and image-list"


@scenario
def what_the_service_says_of_itself():
    base = shown(alice("explain", "image"))
    assert {"id", "name", "visibility", "os_hidden", "min_disk"} <= base.keys(), base
    assert {"member_id", "status"} <= shown(alice("explain", "member")).keys()
    same([row[1] for row in rows(alice("usage"))], ["-1"] * 4)
    image = create("--name", "tasks")["id"]
    same(rows(alice("image-tasks", image)), [])
    assert "web-download" in alice("import-info")
    assert "solid disks" in alice("stores-info")
    nobody = glance("nobody")
    nobody.fails("HTTPUnauthorized", "image-list")
    return "schemas, usage, stores, methods of import; nobody is 401"


def imported(image, stores):
    """Waits until an image is in these stores and no import of it runs, and tests its tasks."""

    def found():
        image_now = shown(alice("image-show", image))
        return image_now.get("stores"), image_now["os_glance_importing_to_stores"]

    eventually(found, (stores, ""))
    same({row[1] for row in rows(root("image-tasks", image))}, {"success"})


@scenario
def imports_into_stores():
    data = some_bytes(71, MIB + 1)
    with open("staged.raw", "wb") as file:
        file.write(data)
    image = create("--name", "staged")["id"]
    alice("image-stage", image, "--file", "staged.raw")
    alice("image-import", image, "--import-method", "glance-direct", "--stores", "slow,fast")
    imported(image, "slow,fast")
    root("stores-delete", image, "--store", "slow")
    same(shown(alice("image-show", image))["stores"], "fast")
    alice("image-download", image, "--file", "fetched.raw")
    same(open("fetched.raw", "rb").read(), data)
    root("image-import", image, "--import-method", "copy-image", "--all-stores", "True")
    imported(image, "fast,slow")
    with served(data) as url:
        formats = ["--disk-format", "raw", "--container-format", "bare", "--name", "by web"]
        how = ["--import-method", "web-download", "--uri", url, "--store", "slow"]
        web = shown(alice("image-create-via-import", *formats, *how))["id"]
        imported(web, "slow")
    return "staged and imported into two, removed from one, copied back, fetched into one"


@scenario
def upload_to_a_store_of_choice():
    image = create("--name", "in slow")["id"]
    alice("image-upload", image, "--store", "slow", data=b"slow")
    same(shown(alice("image-show", image))["stores"], "slow")
    return "slow took it"


@scenario
def the_cache_is_managed():
    image = create("--name", "far")["id"]
    alice("image-upload", image, "--store", "slow", data=b"far away")
    cached = lambda: image in root("cache-list")
    root("cache-clear")
    root("cache-queue", image)
    eventually(lambda: "cached" in root("cache-list") and cached(), True)
    root("cache-delete", image)
    same(cached(), False)
    root("cache-clear", "--target", "queue")
    alice.fails("Forbidden", "cache-list")
    return "queued, cached, deleted, cleared; alice may not"


if __name__ == "__main__":
    play("glance")
