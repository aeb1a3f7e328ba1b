"""A server on loopback that speaks TLS, and certificates of an authority of one's own."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from stubs import StubServer

DAY = timedelta(days=1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_of(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """Makes certificates; its own is in the file `ca_file`."""

    def __init__(self, directory, name="an authority of one's own"):
        self._directory = directory
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca_file = directory / "ca.pem"
        usage = {name: name in {"key_cert_sign", "crl_sign"} for name in USAGES}
        made = self._builder(self._name, self._key.public_key(), -DAY, 2 * DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
        self.ca_file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def own_pem(self):
        """A file with the authority's own key and certificate, which it has signed itself."""
        pem = self._directory / "own.pem"
        pem.write_bytes(_key_of(self._key) + self.ca_file.read_bytes())
        return pem

    def _builder(self, subject, public_key, begins, ends):
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now + begins).not_valid_after(now + ends)

    def certify(self, *hosts, begins=-DAY, ends=DAY):
        """A file with a key and its certificate, good for these hosts at that time."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        made = self._builder(_name("a server"), key.public_key(), begins, ends).add_extension(names, critical=False)
        pem = self._directory / "server.pem"
        pem.write_bytes(_key_of(key) + made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        return pem


USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
    "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


class TlsServer(StubServer):
    """A StubServer behind TLS; `asked_for` are the server names that clients gave."""

    def __init__(self, pem, always=None):
        self.asked_for = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._context.sni_callback = lambda _, name, __: self.asked_for.append(name)
        super().__init__(always)
        self.url = self.url.replace("http:", "https:")

    def _serve(self, connection):
        try:
            wrapped = self._context.wrap_socket(connection, server_side=True)
        except OSError:  # the client does not like the certificate
            connection.close()
            return
        super()._serve(wrapped)
