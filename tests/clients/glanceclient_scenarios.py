"""The library python-glanceclient: records, data, sharing and errors; then its lists."""

import hashlib
import io
import struct
import uuid

import glanceclient
from glanceclient import exc
from keystoneauth1 import session, token_endpoint

from glanceclient_setup import alice, bob, carol, client, create, filled, names, root
from scenarios import ALICE, GIB, MIB, PROJECT_A, PROJECT_B, UNICODE, URL
from scenarios import Damage, Speed, eventually, play, refused, same, scenario, served
from scenarios import some_bytes, sparse_file


@scenario
def versions_and_schemas():
    found = [version["id"] for version in alice.versions.list()]
    same(found[0], "v2.18")
    schema = alice.schemas.get("image").raw()
    same(schema["properties"]["visibility"]["enum"], ["community", "public", "private", "shared"])
    for name in ("images", "member", "members", "task", "tasks"):
        alice.schemas.get(name)
    return f"{len(found)} versions, current {found[0]}, 6 schemas"


@scenario
def create_with_every_option():
    given = {
        "id": str(uuid.uuid4()),
        "name": "every option",
        "disk_format": "qcow2",
        "container_format": "ovf",
        "visibility": "public",
        "min_disk": 10,
        "min_ram": 512,
        "protected": True,
        "os_hidden": True,
        "owner": PROJECT_B,
        "tags": ["one", "two"],
        "os_distro": "debian",
        "architecture": "x86_64",
    }
    image = root.images.create(**given)
    same({name: image[name] for name in given}, given)
    same((image.status, image.size, image.checksum), ("queued", None, None))
    root.images.update(image.id, protected=False)
    root.images.delete(image.id)
    refused(exc.HTTPConflict, root.images.create, id=given["id"])
    return f"{len(given)} options came back, the id stays used after delete"


@scenario
def data_that_is_not_of_its_format_is_refused():
    image = alice.images.create(name="disk", disk_format="qcow2", container_format="bare")
    error = refused(exc.HTTPException, alice.images.upload, image.id, io.BytesIO(b"no disk"))
    same(alice.images.get(image.id).status, "queued")
    header = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, 10 * MIB).ljust(512, b"\0")
    alice.images.upload(image.id, io.BytesIO(header))
    found = alice.images.get(image.id)
    same((found.status, found.size, found.virtual_size), ("active", 512, 10 * MIB))
    same("the data is raw" in str(error), True)
    return str(error).splitlines()[0]


@scenario
def upload_of_a_file_and_download_with_verification():
    data = some_bytes(1, 5 * MIB + 3)
    image = filled(data, name="file")
    same(image.status, "active")
    same((image.size, image.checksum), (len(data), hashlib.md5(data).hexdigest()))
    same((image.os_hash_algo, image.os_hash_value), ("sha512", hashlib.sha512(data).hexdigest()))
    body = alice.images.data(image.id)
    same(len(body), len(data))
    same(b"".join(body), data)
    return f"{len(data)} bytes, MD5 and SHA-512 verified by the client"


@scenario
def upload_of_a_stream_of_unknown_length():
    data = some_bytes(2, 3 * MIB + 1)
    image = create(name="stream")
    alice.images.upload(image.id, io.BufferedReader(io.BytesIO(data)))
    same(alice.images.get(image.id).size, len(data))
    same(b"".join(alice.images.data(image.id)), data)
    return f"{len(data)} bytes in chunks, no size declared"


@scenario
def a_wrong_size_is_refused_and_leaves_the_image_queued():
    image = create(name="wrong size")
    wrong = {"image_data": io.BytesIO(b"12345"), "image_size": 6}
    refused(exc.HTTPBadRequest, alice.images.upload, image.id, **wrong)
    same(alice.images.get(image.id).status, "queued")
    same(alice.images.data(image.id).wrapped, None)
    return "400, then queued and without data"


@scenario
def damage_on_the_way_is_seen_by_the_client():
    image = filled(some_bytes(3, MIB), name="damaged")
    behind_damage = client(ALICE)
    behind_damage.http_client.session.mount(URL, Damage())
    body = behind_damage.images.data(image.id)
    error = refused(BrokenPipeError, lambda: b"".join(body))
    return f"{str(error)[:40]}..."


@scenario
def ranges():
    data = some_bytes(4, 100_000)
    image = filled(data, name="ranges")
    http, url = alice.http_client.session, f"{URL}/v2/images/{image.id}/file"
    asked = {
        "bytes=0-9": (206, data[:10], "bytes 0-9/100000"),
        "bytes=99990-": (206, data[-10:], "bytes 99990-99999/100000"),
        "bytes=-5": (206, data[-5:], "bytes 99995-99999/100000"),
        "bytes=50000-200000": (206, data[50000:], "bytes 50000-99999/100000"),
        "bytes=100000-": (416, None, "bytes */100000"),
        "bytes=0-1,4-5": (400, None, None),
    }
    for header, (status, bytes_, content_range) in asked.items():
        response = http.get(url, headers={"X-Auth-Token": ALICE, "Range": header})
        found = response.status_code, response.headers.get("Content-Range")
        same(found, (status, content_range))
        assert bytes_ is None or response.content == bytes_, header
    return f"{len(asked)} ranges through the session of the client"


@scenario
def update_of_properties():
    image = create(name="before", kept="1", changed="2", removed="3")
    new = {"name": "after", "changed": "22", "added": "4", "min_ram": 64, "visibility": "private"}
    updated = alice.images.update(image.id, remove_props=["removed"], **new)
    expected = {**new, "kept": "1"}
    same({name: updated[name] for name in expected}, expected)
    assert "removed" not in updated
    refused(exc.HTTPForbidden, alice.images.update, image.id, visibility="public")
    same(alice.images.get(image.id).visibility, "private")
    return "changed, added and removed in one patch; public is for admins"


@scenario
def tags():
    image = create(name="tags", tags=["old"])
    for tag in ("new", "with blank", UNICODE):
        alice.image_tags.update(image.id, tag)
    alice.image_tags.delete(image.id, "old")
    same(sorted(alice.images.get(image.id).tags), sorted(["new", "with blank", UNICODE]))
    refused(exc.HTTPNotFound, alice.image_tags.delete, image.id, "old")
    return "added and removed one by one, with blanks and letters of any script"


@scenario
def sharing_between_two_projects():
    image = filled(b"shared", name="shared")
    refused(exc.HTTPNotFound, bob.images.get, image.id)
    same(alice.image_members.create(image.id, PROJECT_B).status, "pending")
    refused(exc.HTTPConflict, alice.image_members.create, image.id, PROJECT_B)
    same(bob.images.get(image.id).name, "shared")
    same(names(bob, filters={"name": "shared"}), [])
    listed = {}
    for status in ("accepted", "rejected", "pending"):
        same(bob.image_members.update(image.id, PROJECT_B, status).status, status)
        listed[status] = names(bob, filters={"name": "shared"})
        waiting = names(bob, filters={"visibility": "shared", "member_status": status})
        same(waiting, ["shared"])
    same(listed, {"accepted": ["shared"], "rejected": [], "pending": []})
    refused(exc.HTTPForbidden, alice.image_members.update, image.id, PROJECT_B, "accepted")
    members = [(it.member_id, it.status) for it in alice.image_members.list(image.id)]
    same(members, [(PROJECT_B, "pending")])
    same(b"".join(bob.images.data(image.id)), b"shared")
    refused(exc.HTTPForbidden, bob.images.update, image.id, name="mine")
    alice.image_members.delete(image.id, PROJECT_B)
    refused(exc.HTTPNotFound, bob.images.get, image.id)
    return "pending, accepted, rejected; each side lists what it should"


@scenario
def deactivation():
    image = filled(b"closed", name="closed")
    alice.images.deactivate(image.id)
    same(alice.images.get(image.id).status, "deactivated")
    refused(exc.HTTPForbidden, alice.images.data, image.id)
    same(b"".join(root.images.data(image.id)), b"closed")
    alice.images.reactivate(image.id)
    same(b"".join(alice.images.data(image.id)), b"closed")
    refused(exc.HTTPForbidden, alice.images.deactivate, create(name="empty").id)
    return "data is closed to all but admins until it is active again"


@scenario
def protected_delete():
    image = filled(b"kept", name="kept", protected=True)
    refused(exc.HTTPForbidden, alice.images.delete, image.id)
    alice.images.update(image.id, protected=False)
    alice.images.delete(image.id)
    refused(exc.HTTPNotFound, alice.images.get, image.id)
    return "403, then allowed, then 404"


@scenario
def unicode_everywhere():
    image = create(name=UNICODE, tags=[UNICODE], **{"note": UNICODE, UNICODE: "value"})
    found = alice.images.get(image.id)
    same((found.name, found.note, found[UNICODE]), (UNICODE, UNICODE, "value"))
    same(names(filters={"name": UNICODE}), [UNICODE])
    same(names(filters={"tag": [UNICODE], "note": UNICODE}), [UNICODE])
    astral = "beyond \U0001f600"
    refused(exc.HTTPBadRequest, create, name=astral)
    return f"{UNICODE!r} as name, tag, property and value; four bytes are 400"


@scenario
def errors_are_exceptions_of_the_client():
    image = filled(b"full", name="full")
    again = io.BytesIO(b"again")
    refused(exc.HTTPConflict, alice.images.upload, image.id, again)
    refused(exc.HTTPNotFound, alice.images.get, "no-such-image")
    refused(exc.HTTPNotFound, bob.images.delete, image.id)
    refused(exc.HTTPUnauthorized, names, client("nobody"))
    formless = alice.images.create(name="formless")
    refused(exc.HTTPBadRequest, alice.images.upload, formless.id, io.BytesIO(b"data"))
    error = refused(exc.HTTPBadRequest, names, filters={"visibility": "secret"})
    return f"400, 401, 404, 409; as text: {str(error)[:60]}..."


@scenario
def a_large_upload_is_refused_before_its_end():
    image = filled(b"full", name="full")
    large = bytes(64 * MIB)
    refused(exc.HTTPConflict, alice.images.upload, image.id, io.BytesIO(large))
    refused(exc.HTTPNotFound, bob.images.upload, image.id, io.BytesIO(large))
    same(alice.images.get(image.id).size, 4)
    return "409 and 404 reach a client that sends 64 MiB"


@scenario
def a_session_of_keystoneauth_as_transport():
    keystone = session.Session(token_endpoint.Token(URL, ALICE))
    by_session = glanceclient.Client("2", session=keystone)
    data = some_bytes(6, MIB)
    image = create(by_session, name="by session")
    by_session.images.upload(image.id, io.BytesIO(data))
    same(b"".join(by_session.images.data(image.id)), data)
    same(next(by_session.images.list(limit=1)).id, image.id)
    return f"{len(data)} bytes up and down"


@scenario
def stores_and_methods_of_import():
    methods = alice.images.get_import_info()["import-methods"]["value"]
    same(methods, ["glance-direct", "web-download", "copy-image"])
    fast = {"id": "fast", "description": "solid disks", "default": "true"}
    same(alice.images.get_stores_info()["stores"], [fast, {"id": "slow"}])
    details = root.images.get_stores_info_detail()["stores"]
    same([store["weight"] for store in details], [0, -5])
    refused(exc.HTTPForbidden, alice.images.get_stores_info_detail)
    refused(exc.HTTPForbidden, lambda: list(alice.tasks.list()))
    return f"{methods}, two stores, details for admins"


def imported(id):
    """Waits for the end of the newest import of an image, and returns the image."""
    eventually(lambda: tasks(id)[-1]["status"], "success")
    return alice.images.get(id)


def tasks(id):
    """Returns all tasks of an image."""
    return root.images.get_associated_image_tasks(id)["tasks"]


@scenario
def staged_data_is_imported_into_a_store():
    data = some_bytes(61, 2 * MIB + 3)
    image = create(name="staged")
    alice.images.stage(image.id, io.BytesIO(data))
    same(alice.images.get(image.id).status, "uploading")
    alice.images.image_import(image.id, backend="slow")
    image = imported(image.id)
    same((image.status, image.stores, image.size), ("active", "slow", len(data)))
    same(b"".join(alice.images.data(image.id)), data)
    (task,) = alice.images.get_associated_image_tasks(image.id)["tasks"]
    same((task["owner"], task["user_id"], task["input"]["backend"]), (PROJECT_A, ALICE, ["slow"]))
    assert task["id"] in [listed["id"] for listed in root.tasks.list()]
    same(root.tasks.get(task["id"])["result"], {"image_id": image.id})
    refused(exc.HTTPConflict, alice.images.stage, image.id, io.BytesIO(data))
    return f"{len(data)} bytes, by glance-direct; the task is listed"


@scenario
def data_of_the_web_is_imported_and_copied():
    data = some_bytes(62, MIB + 5)
    image = create(name="web")
    with served(data) as url:
        alice.images.image_import(image.id, method="web-download", uri=url)
        image = imported(image.id)
    same((image.status, image.stores), ("active", "fast"))
    same(b"".join(alice.images.data(image.id)), data)
    root.images.image_import(image.id, method="copy-image", all_stores=True)
    same(imported(image.id).stores, "fast,slow")
    root.images.delete_from_store("fast", image.id)
    same(alice.images.get(image.id).stores, "slow")
    same(b"".join(alice.images.data(image.id)), data)
    refused(exc.HTTPForbidden, root.images.delete_from_store, "slow", image.id)
    private = create(name="private")
    uri = "http://10.0.0.1/a"
    refused(
        exc.HTTPBadRequest,
        alice.images.image_import,
        private.id,
        method="web-download",
        uri=uri,
    )
    return f"{len(data)} bytes from a server here, copied, and removed where they came to"


@scenario
def upload_to_a_store_of_choice():
    image = create(name="in slow")
    alice.images.upload(image.id, io.BytesIO(b"slow"), backend="slow")
    same(alice.images.get(image.id).stores, "slow")
    other = create(name="in none")
    refused(exc.HTTPBadRequest, alice.images.upload, other.id, io.BytesIO(b"x"), backend="none")
    return "slow took it, an unknown one is 400"


@scenario
def the_cache_is_managed():
    data = some_bytes(91, MIB + 3)
    image = create(name="far")
    alice.images.upload(image.id, io.BytesIO(data), backend="slow")
    ids = lambda: [it["image_id"] for it in root.cache.list()["cached_images"]]
    root.cache.clear("both")
    root.cache.queue(image.id)
    eventually(lambda: image.id in ids(), True)
    same(b"".join(alice.images.data(image.id)), data)
    cached = next(it for it in root.cache.list()["cached_images"] if it["image_id"] == image.id)
    same((cached["size"], cached["hits"]), (len(data), 1))
    same(root.cache.list()["queued_images"], [])
    root.cache.delete(image.id)
    same(image.id in ids(), False)
    # A whole download leaves a copy, too.
    same(b"".join(alice.images.data(image.id)), data)
    eventually(lambda: image.id in ids(), True)
    root.cache.clear("cache")
    same(ids(), [])
    refused(exc.HTTPForbidden, alice.cache.list)
    refused(exc.HTTPNotFound, root.cache.queue, "0" * 8 + "-0000-4000-8000-" + "0" * 12)
    return f"queued, hit, deleted, filled by a download of {len(data)} bytes, cleared; 403 for alice"


@scenario
def limits_of_a_project_are_kept_and_told():
    first = create(carol, name="first")
    carol.images.upload(first.id, io.BytesIO(some_bytes(92, MIB)), image_size=MIB)
    second = create(carol, name="second")
    more = io.BytesIO(some_bytes(93, MIB + 1))
    refused(exc.HTTPOverLimit, carol.images.upload, second.id, more, image_size=MIB + 1)
    same(carol.images.get(second.id).status, "queued")
    create(carol, name="third")
    refused(exc.HTTPOverLimit, create, carol, name="fourth")
    usage = carol.info.get_usage()
    same(usage["image_size_total"], {"usage": 1, "limit": 2})
    same(usage["image_count_total"], {"usage": 3, "limit": 3})
    same(usage["image_count_uploading"], {"usage": 0, "limit": -1})
    return "2 MiB and 3 images are enough for carol, and no more"


@scenario
def a_file_of_two_gib_up_and_down():
    size = 2 * GIB
    digest = sparse_file("up", size, seed=5)
    image = create(name="2 GiB")
    with open("up", "rb") as file, Speed(size) as up:
        alice.images.upload(image.id, file, image_size=size)
    image = alice.images.get(image.id)
    same((image.size, image.os_hash_value), (size, digest))
    with open("up", "rb") as file, Speed(size) as down:
        for piece in alice.images.data(image.id):
            assert piece == file.read(len(piece)), f"damage before byte {file.tell()}"
        same(file.tell(), size)
    alice.images.delete(image.id)
    return f"up {up.text}, down and verified {down.text}"


if __name__ == "__main__":
    import glanceclient_lists  # noqa: F401, it adds its scenarios

    play("glanceclient")
