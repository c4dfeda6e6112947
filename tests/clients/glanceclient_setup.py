"""The clients of the library python-glanceclient, and images made with them."""

import io

import glanceclient

from scenarios import ALICE, BOB, CAROL, ROOT, URL


def client(token):
    """Makes a client of who the token stands for."""
    return glanceclient.Client("2", endpoint=URL, token=token)


alice, bob, carol, root = client(ALICE), client(BOB), client(CAROL), client(ROOT)


def create(who=alice, **given):
    """Makes an image that takes data."""
    return who.images.create(**{"disk_format": "raw", "container_format": "bare", **given})


def filled(data, **given):
    """Makes an image with data."""
    image = create(**given)
    alice.images.upload(image.id, io.BytesIO(data), image_size=len(data))
    return alice.images.get(image.id)


def names(who=alice, **asked):
    """Returns the names of the images of a list."""
    return [image.name for image in who.images.list(**asked)]
