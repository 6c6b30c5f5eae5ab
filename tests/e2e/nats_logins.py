"""Logins of a NATS server: an operator's accounts with a user's .creds file, and
certificates, made as `nsc` and a certificate authority would."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3
SEED = 18 << 3


def encoded(data: bytes) -> str:
    """Base 32 with the checksum of NKeys (CRC-16/XMODEM)."""
    data += binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data).decode().rstrip("=")


class NKey:
    """A pair of keys that is told apart by its first letter."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.key = ed25519.Ed25519PrivateKey.generate()

    @property
    def public(self) -> str:
        return encoded(bytes([self.kind]) + self.key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        prefix = bytes([SEED | self.kind >> 5, (self.kind & 31) << 3])
        return encoded(prefix + self.key.private_bytes_raw())

    def vouches_for(self, other: NKey, name: str, **claims: Any) -> str:
        """A token that says what `other` may do."""

        def part(value: bytes | dict[str, Any]) -> str:
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            return base64.urlsafe_b64encode(data).decode().rstrip("=")

        now = int(datetime.datetime.now(datetime.UTC).timestamp())
        claimed = {
            "jti": name,
            "iat": now,
            "iss": self.public,
            "name": name,
            "sub": other.public,
            "nats": {**claims, "version": 2},
        }
        text = f"{part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{part(claimed)}"
        return f"{text}.{part(self.key.sign(text.encode()))}"


@dataclass
class Operated:
    """A server whose users an operator's accounts name."""

    configuration: str
    account: NKey

    def creds(self, file: Path) -> Path:
        """The login of a new user."""
        user = NKey(USER)
        token = self.account.vouches_for(user, "worker", type="user", pub={}, sub={}, subs=-1, data=-1, payload=-1)
        file.write_text(
            f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )
        return file


def operated() -> Operated:
    """An operator with an account that may keep messages."""
    operator, system, account = NKey(OPERATOR), NKey(ACCOUNT), NKey(ACCOUNT)
    plenty = {
        "subs": -1,
        "conn": -1,
        "leaf": -1,
        "imports": -1,
        "exports": -1,
        "wildcards": True,
        "data": -1,
        "payload": -1,
    }
    kept = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    rights = {"default_permissions": {"pub": {}, "sub": {}}, "type": "account"}
    return Operated(
        account=account,
        configuration=(
            f"operator: {operator.vouches_for(operator, 'operator', type='operator', system_account=system.public)}\n"
            f"system_account: {system.public}\n"
            "resolver: MEMORY\n"
            "resolver_preload: {\n"
            f"  {system.public}: {operator.vouches_for(system, 'SYS', limits=plenty, **rights)}\n"
            f"  {account.public}: {operator.vouches_for(account, 'tasks', limits={**plenty, **kept}, **rights)}\n"
            "}\n"
        ),
    )


@dataclass
class Certified:
    """An authority, and what it has signed."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the test's own authority")])
        authority = self.signed(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None))
        self.ca = self.written("ca.pem", authority.public_bytes(serialization.Encoding.PEM))

    def pair(self, name: str) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = self.signed(subject, key, names).public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self.written(f"{name}.pem", certificate), self.written(f"{name}-key.pem", private)

    def signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
        return builder.add_extension(extension, critical=False).sign(self.key, hashes.SHA256())

    def written(self, name: str, content: bytes) -> Path:
        (self.folder / name).write_bytes(content)
        return self.folder / name
