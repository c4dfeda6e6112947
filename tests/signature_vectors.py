"""Makes the vectors in tests/vectors/signature: certificates, and signatures over a small text.

    python3 -m venv v && v/bin/pip install cryptography cursive && v/bin/python tests/signature_vectors.py

Each run makes new keys, which are thrown away. `cursive` in a vector is what cursive itself says of
it, the library of the Images API's service. Certificates of DSA keys are signed by another key, for
builders sign with none of these.
"""

import base64
import datetime
import json
import pathlib
import subprocess
import tempfile
from unittest import mock

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.x509.oid import NameOID
from cursive import exception, signature_utils

OUT = pathlib.Path(__file__).parent / "vectors" / "signature"
DATA = b"".join(b"line %d of what is signed\n" % n for n in range(40))
HASHES = {
    "SHA-224": hashes.SHA224(),
    "SHA-256": hashes.SHA256(),
    "SHA-384": hashes.SHA384(),
    "SHA-512": hashes.SHA512(),
}
FROM, UNTIL = datetime.datetime(2026, 1, 1), datetime.datetime(2036, 1, 1)
SIGNER = ec.generate_private_key(ec.SECP384R1())
RSA = ["rsa-2048", "rsa-2049", "rsa-3072", "rsa-pss-only"]

keys, certificates = {}, {}


def write(name, certificate):
    certificates[name] = certificate
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (OUT / f"{name}.pem").write_bytes(pem)


def certify(name, key, start=FROM, end=UNTIL):
    keys[name] = key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 7, start, end)
    write(name, builder.sign(SIGNER, hashes.SHA384()))


def certify_pss_only(name):
    """A key that the certificate ties to RSA-PSS, which only the tool of OpenSSL makes."""
    with tempfile.TemporaryDirectory() as directory:
        key, pem = f"{directory}/key.pem", f"{directory}/certificate.pem"
        make = ["openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"]
        subprocess.run([*make, "-out", key], check=True, capture_output=True)
        sign = ["openssl", "req", "-x509", "-key", key, "-subj", f"/CN={name}", "-days", "3650"]
        subprocess.run([*sign, "-out", pem], check=True, capture_output=True)
        keys[name] = serialization.load_pem_private_key(pathlib.Path(key).read_bytes(), None)
        write(name, x509.load_pem_x509_certificate(pathlib.Path(pem).read_bytes()))


def sign(name, method, data, salt=padding.PSS.MAX_LENGTH):
    key, hash_ = keys[name], HASHES[method]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PSS(padding.MGF1(hash_), salt), hash_)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hash_))
    return key.sign(data, hash_)


def cursive(certificate, key_type, method, signature, data):
    text = base64.b64encode(signature).decode()
    found = mock.Mock(return_value=certificates[certificate])
    with mock.patch.object(signature_utils, "get_certificate", found):
        try:
            verifier = signature_utils.get_verifier(None, certificate, method, text, key_type)
            verifier.update(data)
            verifier.verify()
        except (InvalidSignature, exception.SignatureVerificationError):
            return False
    return True


vectors = []


def vector(about, certificate, key_type, method, signature, data=DATA, holds=True):
    vectors.append(
        {
            "about": about,
            "certificate": certificate,
            "key_type": key_type,
            "hash_method": method,
            "signature": base64.b64encode(signature).decode(),
            "data": data.decode(),
            "holds": holds,
            "cursive": cursive(certificate, key_type, method, signature, data),
        }
    )


def types():
    for name in RSA:
        yield name, "RSA-PSS"
    for name in "dsa-1024", "dsa-2048", "dsa-3072":
        yield name, "DSA"
    yield "p384", "ECC_SECP384R1"
    yield "p521", "ECC_SECP521R1"


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for bits in 2048, 2049, 3072:
        certify(f"rsa-{bits}", rsa.generate_private_key(65537, bits))
    certify_pss_only("rsa-pss-only")
    certify("rsa-expired", keys["rsa-2048"], end=datetime.datetime(2026, 2, 1))
    certify("rsa-future", keys["rsa-2048"], start=datetime.datetime(2035, 1, 1))
    certify("rsa-other", rsa.generate_private_key(65537, 2048))
    for bits in 1024, 2048, 3072:
        certify(f"dsa-{bits}", dsa.generate_private_key(bits))
    certify("p256", ec.generate_private_key(ec.SECP256R1()))
    certify("p384", ec.generate_private_key(ec.SECP384R1()))
    certify("p521", ec.generate_private_key(ec.SECP521R1()))

    for name, key_type in types():
        for method in HASHES:
            vector("signed", name, key_type, method, sign(name, method, DATA))
        vector("nothing signed", name, key_type, "SHA-512", sign(name, "SHA-512", b""), b"")
    for method, hash_ in HASHES.items():
        # Many signatures, so that numbers with leading zeros are among them.
        for round_ in range(8):
            data = b"%d" % round_
            for name, key_type in ("p384", "ECC_SECP384R1"), ("p521", "ECC_SECP521R1"):
                vector("signed", name, key_type, method, sign(name, method, data), data)
            vector("signed", "dsa-1024", "DSA", method, sign("dsa-1024", method, data), data)
        for salt in 0, 20, hash_.digest_size:
            signature = sign("rsa-2048", method, DATA, salt)
            vector(f"salt of {salt}", "rsa-2048", "RSA-PSS", method, signature, holds=False)
        signature = keys["rsa-2048"].sign(DATA, padding.PKCS1v15(), hash_)
        vector("padding PKCS1", "rsa-2048", "RSA-PSS", method, signature, holds=False)
    for name, key_type in ("p256", "ECC_SECP384R1"), ("p384", "ECC_SECP521R1"):
        signature = sign(name, "SHA-256", DATA)
        vector("another curve", name, key_type, "SHA-256", signature, holds=False)
    for name in "rsa-expired", "rsa-future":
        signature = sign(name, "SHA-256", DATA)
        vector("another time", name, "RSA-PSS", "SHA-256", signature, holds=False)
    (OUT / "vectors.json").write_text(json.dumps(vectors, indent=1) + "\n")


main()
