"""Lists of the library openstacksdk: filters, orders and pages."""

from openstack import exceptions

from scenarios import BOB, PROJECT_A, refused, same, scenario, thousand_images
from sdk_setup import alice, bob, create, filled, names


@scenario
def lists_with_filters():
    filled(b"x" * 10, name="small", tags=["f", "tiny"], filtered="yes")
    filled(b"x" * 1000, name="large", tags=["f"], filtered="yes")
    create(name="queued", tags=["f"], filtered="yes", visibility="private")
    create(name="hidden", tags=["f"], filtered="yes", os_hidden=True)
    asked = [
        ({"name": "small"}, ["small"]),
        ({"name": "in:small,queued"}, ["queued", "small"]),
        ({"status": "queued"}, ["queued"]),
        ({"visibility": "private"}, ["queued"]),
        ({"visibility": "public"}, []),
        ({"tag": "tiny"}, ["small"]),
        ({"size_min": 11}, ["large"]),
        ({"size_max": 11}, ["small"]),
        ({"owner": PROJECT_A}, ["large", "queued", "small"]),
        ({"created_at": "gt:2020-01-01T00:00:00Z"}, ["large", "queued", "small"]),
        ({"updated_at": "lte:2020-01-01T00:00:00Z"}, []),
        ({"is_hidden": True}, ["hidden"]),
        ({"is_protected": False}, ["large", "queued", "small"]),
    ]
    for filters, expected in asked:
        found = names(**{"tag": "f", "sort": "name:asc", **filters})
        assert found == expected, f"{filters}: {found}"
    same(names(filtered="yes", name="large"), ["large"])
    refused(exceptions.BadRequestException, names, status="like:active")
    return f"{len(asked)} filters, a bad one is 400"


@scenario
def lists_with_sorts():
    for name, size in [("b", 1), ("a", 2), ("c", 1)]:
        filled(b"x" * size, name=name, tags=["sorted"])
    asked = [
        ({"sort": "name:asc"}, "abc"),
        ({"sort": "size:asc,name:desc"}, "cba"),
        ({"sort_key": "name", "sort_dir": "desc"}, "cba"),
        ({"sort": "created_at:asc"}, "bac"),
        ({}, "cab"),
        ({"sort": "name:asc", "limit": 2}, "abc"),
        ({"sort": "name:asc", "limit": 2, "paginated": False}, "ab"),
    ]
    for sort, expected in asked:
        same("".join(names(tag="sorted", **sort)), expected)
    return f"{len(asked)} orders"


@scenario
def pages_of_a_thousand_images():
    expected = thousand_images(BOB)
    for limit in (None, 9, 100, 1000, 5000):
        same(names(bob, sort="name:asc", limit=limit), expected)
    marker = bob.find_image("page-0500").id
    same(names(bob, sort="name:asc", marker=marker), expected[501:])
    refused(exceptions.BadRequestException, names, marker="no-such-image")
    same(alice.find_image("page-0500"), None)
    return "1,000 images in pages of 9 to 1,000, each once and in order; found by name"
