"""What schemathesis is told of this API: its media types of patches, and ids that nobody has yet."""

import json
import random
import uuid

import schemathesis

PATCHES = [f"application/openstack-images-v2.{minor}-json-patch" for minor in (0, 1)]
FRESH = random.Random(1)


@schemathesis.serializer(*PATCHES)
def printed(_, value):
    """Prints a patch."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.hook
def before_call(_, case, kwargs):
    """Gives each new image an id of its own: one that was used once is a conflict for ever."""
    is_new = case.method == "POST" and case.path == "/v2/images"
    if is_new and isinstance(case.body, dict) and is_id(case.body.get("id")):
        case.body["id"] = str(uuid.UUID(int=FRESH.getrandbits(128)))


def is_id(value):
    """Tells whether a value is a legal id."""
    try:
        return bool(uuid.UUID(value))
    except (AttributeError, TypeError, ValueError):
        return False
