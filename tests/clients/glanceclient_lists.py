"""Lists of the library python-glanceclient: filters, orders and pages."""

from glanceclient import exc

from glanceclient_setup import bob, create, filled, names
from scenarios import BOB, PROJECT_A, refused, same, scenario, thousand_images


@scenario
def lists_with_filters():
    filled(b"x" * 10, name="small", tags=["f", "tiny"], filtered="yes", min_ram=1)
    filled(b"x" * 1000, name="large", tags=["f"], filtered="yes", disk_format="ami")
    create(name="empty, queued", tags=["f"], filtered="yes", visibility="private")
    create(name="hidden", tags=["f"], filtered="yes", os_hidden=True)
    asked = [
        ({"name": "small"}, ["small"]),
        ({"name": 'in:small,"empty, queued"'}, ["empty, queued", "small"]),
        ({"status": "queued"}, ["empty, queued"]),
        ({"status": "in:active,queued"}, ["empty, queued", "large", "small"]),
        ({"visibility": "private"}, ["empty, queued"]),
        ({"visibility": "public"}, []),
        ({"tag": ["tiny", "f"]}, ["small"]),
        ({"size_min": 11}, ["large"]),
        ({"size_max": 11}, ["small"]),
        ({"size": 10}, ["small"]),
        ({"min_ram": 1}, ["small"]),
        ({"disk_format": "ami"}, ["large"]),
        ({"owner": PROJECT_A}, ["empty, queued", "large", "small"]),
        ({"created_at": "gt:2020-01-01T00:00:00Z"}, ["empty, queued", "large", "small"]),
        ({"created_at": "lt:2020-01-01T00:00:00Z"}, []),
        ({"updated_at": "gte:2020-01-01"}, ["empty, queued", "large", "small"]),
        ({"os_hidden": True}, ["hidden"]),
        ({"protected": "true"}, []),
    ]
    for filters, expected in asked:
        found = names(filters={"filtered": "yes", **filters}, sort="name:asc")
        assert found == expected, f"{filters}: {found}"
    bad = {"filters": {"status": "like:active"}}
    refused(exc.HTTPBadRequest, names, **bad)
    return f"{len(asked)} filters, a bad one is 400"


@scenario
def lists_with_sorts():
    for name, size in [("b", 1), ("a", 2), ("c", 1)]:
        filled(b"x" * size, name=name, sorted="yes")
    asked = [
        ({"sort": "name:asc"}, "abc"),
        ({"sort": "size:asc,name:desc"}, "cba"),
        ({"sort_key": "name", "sort_dir": "desc"}, "cba"),
        ({"sort_key": ["size", "name"], "sort_dir": ["desc", "asc"]}, "abc"),
        ({"sort": "created_at:asc"}, "bac"),
        ({}, "cab"),
        ({"sort": "name:asc", "limit": 2}, "ab"),
    ]
    for sort, expected in asked:
        same("".join(names(filters={"sorted": "yes"}, **sort)), expected)
    return f"{len(asked)} orders"


@scenario
def pages_of_a_thousand_images():
    expected = thousand_images(BOB)
    for page_size in (None, 7, 100, 999, 1000, 5000):
        found = names(bob, filters={"paged": "yes"}, sort="name:asc", page_size=page_size)
        same(found, expected)
    same(sorted(names(bob, page_size=300)), expected)
    marker = next(bob.images.list(filters={"name": "page-0500"})).id
    same(names(bob, sort="name:asc", marker=marker, limit=3), expected[501:504])
    return "1,000 images in pages of 7 to 1,000, each once and in order"
