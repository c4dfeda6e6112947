"""The library openstacksdk: records, data, sharing and errors; then its lists."""

import hashlib
import io
import uuid

import requests
from openstack import exceptions

from scenarios import ALICE, MIB, PROJECT_B, UNICODE, URL
from scenarios import Damage, Speed, eventually, file_digest, play, refused, same, scenario
from scenarios import served, some_bytes, sparse_file
from sdk_setup import alice, bob, connect, create, filled, names, root


@scenario
def discovery_of_the_service():
    same(alice.get_endpoint(), f"{URL}/v2/")
    methods = alice.get_import_info().import_methods["value"]
    same(methods, ["glance-direct", "web-download", "copy-image"])
    stores = [(store.id, store.description) for store in alice.stores()]
    same(stores, [("fast", "solid disks"), ("slow", None)])
    schema = alice.get_image_schema()
    same(schema.name, "image")
    same(list(root.tasks()), [])
    return f"{alice.get_endpoint()}, {len(methods)} import methods, {len(stores)} stores"


def stores_of(image):
    """Waits until all imports have ended well, and returns the stores of an image."""
    eventually(lambda: {task.status for task in root.tasks()}, {"success"})
    found = alice.get_image(image.id)
    same(found.status, "active")
    return found.properties["stores"]


@scenario
def imports_into_stores():
    data = some_bytes(81, MIB + 7)
    image = create(name="staged")
    alice.stage_image(image, data=io.BytesIO(data))
    slow = next(store for store in alice.stores() if store.id == "slow")
    alice.import_image(image, method="glance-direct", stores=[slow])
    same(stores_of(image), "slow")
    same(alice.download_image(image.id).content, data)
    root.import_image(image, method="copy-image", all_stores=True)
    same(stores_of(image), "slow,fast")
    slow.delete_image(root, image)
    same(stores_of(image), "fast")
    web = create(name="web")
    with served(data) as url:
        alice.import_image(web, method="web-download", uri=url)
        same(stores_of(web), "fast")
    same(alice.download_image(web.id).content, data)
    count = len(list(root.tasks()))
    return f"staged, copied, removed from one store, fetched; {count} tasks"


@scenario
def the_cache_is_managed():
    image = filled(some_bytes(82, 100_000), name="to be cached")
    root.clear_cache()
    root.queue_image(image.id)
    cached = lambda: [it["image_id"] for it in root.get_image_cache().cached_images]
    eventually(lambda: image.id in cached(), True)
    root.cache_delete_image(image.id)
    same(image.id in cached(), False)
    root.clear_cache("queue")
    refused(exceptions.ForbiddenException, alice.get_image_cache)
    return "queued, cached, deleted, cleared; alice may not"


@scenario
def create_with_every_option():
    given = {
        "id": str(uuid.uuid4()),
        "disk_format": "qcow2",
        "container_format": "ovf",
        "visibility": "public",
        "min_disk": 10,
        "min_ram": 512,
        "is_protected": True,
        "is_hidden": True,
        "owner_id": PROJECT_B,
        "tags": ["one", "two"],
        "os_distro": "debian",
        "os_shutdown_timeout": "60",
        "architecture": "x86_64",
    }
    image = root.create_image("every option", allow_duplicates=True, meta=given)
    found = root.get_image(image.id)
    expected = {**given, "os_shutdown_timeout": 60}
    same({name: getattr(found, name) for name in given}, expected)
    same((found.name, found.status, found.size), ("every option", "queued", None))
    root.update_image(found, is_protected=False)
    root.delete_image(found)
    again = {"allow_duplicates": True, "meta": {"id": given["id"]}}
    refused(exceptions.ConflictException, root.create_image, "again", **again)
    return f"{len(given) + 1} options came back, the id stays used after delete"


@scenario
def upload_of_a_file_with_verification():
    data = some_bytes(11, 5 * MIB + 3)
    with open("file.raw", "wb") as file:
        file.write(data)
    options = {"filename": "file.raw", "disk_format": "raw", "validate_checksum": True}
    image = alice.create_image("file", wait=True, purpose="test", **options)
    found = alice.get_image(image.id)
    same((found.status, found.size), ("active", len(data)))
    same((found.hash_algo, found.hash_value), ("sha512", hashlib.sha512(data).hexdigest()))
    same(found.properties["owner_specified.openstack.md5"], found.checksum)
    same(alice.create_image("file", **options).id, image.id)
    return f"{len(data)} bytes, MD5 compared by the client, not sent again"


@scenario
def downloads_with_verification():
    data = some_bytes(12, 3 * MIB + 1)
    image = filled(data, name="download")
    same(alice.download_image(image).content, data)
    alice.download_image(image, output="down.raw")
    same(file_digest("down.raw"), image.hash_value)
    with alice.download_image(image, stream=True) as response:
        same(b"".join(response.iter_content(MIB)), data)
    return f"{len(data)} bytes in memory, to a file and as a stream"


@scenario
def damage_on_the_way_is_seen_by_the_client():
    image = filled(some_bytes(13, MIB), name="damaged")
    transport = requests.Session()
    transport.mount(URL, Damage())
    behind_damage = connect(ALICE, transport)
    error = refused(exceptions.InvalidResponse, behind_damage.download_image, image)
    return f"{str(error)[:40]}..."


@scenario
def upload_of_a_stream_of_unknown_length():
    pieces = [some_bytes(seed, MIB) for seed in (14, 15, 16)]
    image = create(name="stream")
    image.upload(alice, data=iter(pieces)).raise_for_status()
    found = alice.get_image(image.id)
    same(found.hash_value, hashlib.sha512(b"".join(pieces)).hexdigest())
    refusal = create(name="wrong size").upload(alice, data=io.BytesIO(b"12345"), size=6)
    same(refusal.status_code, 400)
    return f"{found.size} bytes in chunks; a wrong size is 400"


@scenario
def ranges():
    data = some_bytes(17, 100_000)
    image = filled(data, name="ranges")
    asked = {
        "bytes=0-9": (206, data[:10], "bytes 0-9/100000"),
        "bytes=99990-": (206, data[-10:], "bytes 99990-99999/100000"),
        "bytes=-5": (206, data[-5:], "bytes 99995-99999/100000"),
        "bytes=100000-": (416, None, "bytes */100000"),
        "bytes=0-1,4-5": (400, None, None),
    }
    for header, (status, part, content_range) in asked.items():
        response = alice.get(f"/images/{image.id}/file", headers={"Range": header})
        found = response.status_code, response.headers.get("Content-Range")
        same(found, (status, content_range))
        assert part is None or response.content == part, header
    return f"{len(asked)} ranges through the session of the client"


@scenario
def update_of_properties():
    image = create(name="before", kept="1", changed="2", removed="3")
    updated = alice.update_image(image, name="after", changed="22", added="4", min_ram=64)
    same((updated.name, updated.min_ram), ("after", 64))
    alice.update_image_properties(updated, kept="11", visibility="private")
    found = alice.get_image(image.id)
    found.properties = {k: v for k, v in found.properties.items() if k != "removed"}
    alice.update_image(found)
    found = alice.get_image(image.id)
    custom = {key: found.properties.get(key) for key in ("kept", "changed", "added", "removed")}
    same(custom, {"kept": "11", "changed": "22", "added": "4", "removed": None})
    same(found.visibility, "private")
    refused(exceptions.ForbiddenException, alice.update_image, found, visibility="public")
    return "changed, added and removed; public is for admins"


@scenario
def tags():
    image = create(name="tags", tags=["old"])
    for tag in ("new", "with blank", UNICODE):
        alice.add_tag(image, tag)
    alice.remove_tag(image, "old")
    same(sorted(alice.get_image(image.id).tags), sorted(["new", "with blank", UNICODE]))
    refused(exceptions.NotFoundException, alice.remove_tag, image, "old")
    return "added and removed one by one, with blanks and letters of any script"


@scenario
def sharing_between_two_projects():
    image = filled(b"shared", name="shared")
    refused(exceptions.NotFoundException, bob.get_image, image.id)
    same(alice.add_member(image, member_id=PROJECT_B).status, "pending")
    refused(exceptions.ConflictException, alice.add_member, image, member_id=PROJECT_B)
    same(names(bob, name="shared"), [])
    listed = {}
    for status in ("accepted", "rejected", "pending"):
        same(bob.update_member(PROJECT_B, image, status=status).status, status)
        listed[status] = names(bob, name="shared")
        same(names(bob, visibility="shared", member_status=status), ["shared"])
    same(listed, {"accepted": ["shared"], "rejected": [], "pending": []})
    accept = {"status": "accepted"}
    refused(exceptions.ForbiddenException, alice.update_member, PROJECT_B, image, **accept)
    same([it.member_id for it in alice.members(image)], [PROJECT_B])
    same(alice.get_member(PROJECT_B, image).status, "pending")
    same(bob.download_image(image.id).content, b"shared")
    alice.remove_member(PROJECT_B, image, ignore_missing=False)
    refused(exceptions.NotFoundException, bob.get_image, image.id)
    return "pending, accepted, rejected; each side lists what it should"


@scenario
def deactivation_and_protection():
    image = filled(b"closed", name="closed", protected=True)
    alice.deactivate_image(image)
    same(alice.get_image(image.id).status, "deactivated")
    same(alice.get(f"/images/{image.id}/file").status_code, 403)
    # The client takes the refusal for data, and sees by its digest that it is none.
    refused(exceptions.InvalidResponse, alice.download_image, image)
    same(root.download_image(image.id).content, b"closed")
    alice.reactivate_image(image)
    same(alice.download_image(image).content, b"closed")
    refused(exceptions.ForbiddenException, alice.delete_image, image)
    alice.update_image(image.id, is_protected=False)
    alice.delete_image(image.id, ignore_missing=False)
    missing = {"ignore_missing": False}
    refused(exceptions.NotFoundException, alice.delete_image, image.id, **missing)
    return "data closed to all but admins; delete 403, then allowed, then 404"


@scenario
def unicode_everywhere():
    image = create(name=UNICODE, tags=[UNICODE], note=UNICODE)
    found = alice.find_image(UNICODE, ignore_missing=False)
    same((found.id, found.properties["note"]), (image.id, UNICODE))
    same(names(tag=UNICODE, name=UNICODE), [UNICODE])
    refused(exceptions.BadRequestException, create, name="beyond \U0001f600")
    return f"{UNICODE!r} as name, tag and value, found by name; four bytes are 400"


@scenario
def errors_are_exceptions_of_the_client():
    image = filled(b"full", name="full")
    same(image.upload(alice, data=io.BytesIO(b"again")).status_code, 409)
    refused(exceptions.NotFoundException, alice.get_image, "no-such-image")
    refused(exceptions.HttpException, names, connect("nobody"))
    error = refused(exceptions.BadRequestException, names, visibility="secret")
    return f"400, 401, 404, 409; as text: {str(error)[:60]}..."


@scenario
def a_file_of_half_a_gib_up_and_down():
    size = 512 * MIB
    digest = sparse_file("up", size, seed=18)
    options = {"filename": "up", "disk_format": "raw", "allow_duplicates": True}
    with Speed(size) as up:
        image = alice.create_image("large", **options)
    found = alice.get_image(image.id)
    same((found.size, found.hash_value), (size, digest))
    with Speed(size) as down:
        alice.download_image(image, output="down")
    same(file_digest("down"), digest)
    alice.delete_image(image)
    return f"up {up.text}, down and verified {down.text}"


if __name__ == "__main__":
    import sdk_lists  # noqa: F401, it adds its scenarios

    play("openstacksdk")
