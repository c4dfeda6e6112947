"""The connections of the library openstacksdk, and images made with them."""

import io

import openstack
import requests
from keystoneauth1 import session, token_endpoint

from scenarios import ALICE, BOB, ROOT, URL


def connect(token, transport=None):
    """Connects as who the token stands for, without an identity service."""
    auth = token_endpoint.Token(URL, token)
    keystone = session.Session(auth, session=transport or requests.Session())
    connection = openstack.connection.Connection(session=keystone, image_endpoint_override=URL)
    return connection.image


alice, bob, root = connect(ALICE), connect(BOB), connect(ROOT)


def create(who=alice, **given):
    """Makes an image that takes data, exactly as given."""
    given = {"disk_format": "raw", "container_format": "bare", **given}
    return who.create_image(given.pop("name"), allow_duplicates=True, meta=given)


def filled(data, **given):
    """Makes an image with data."""
    image = create(**given)
    image.upload(alice, data=io.BytesIO(data)).raise_for_status()
    return alice.get_image(image.id)


def names(who=alice, **asked):
    """Returns the names of the images of a list."""
    return [image.name for image in who.images(**asked)]
