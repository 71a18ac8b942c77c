"""Keys with names, from the environment or from a file: the first one writes, all of them read.

A setting holds `name:key` pairs separated by commas or lines (the key is 32 bytes in URL-safe base64), or `file:` and
the path of such a list. Unset, the portal keeps a generated list in its data folder, readable by its owner alone;
production refuses that. A file is read again when it changes, so a new key needs no restart.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from portal.config import Settings

KEY_BYTES = 32
_NAME = re.compile(r"[a-z0-9-]{1,32}")
Stamp = tuple[int, int, int]


class KeyFault(RuntimeError):
    """A key is missing, unreadable or the wrong one: nothing is written or shown."""


@dataclass(frozen=True)
class Keyring:
    """The keys of one purpose by name, the writing one first."""

    keys: dict[str, bytes]

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Raises KeyFault, which quotes no key, for anything but a list of `name:key`."""
        pairs = [part.strip().partition(":") for part in re.split(r"[,\n]", text) if part.strip()]
        keys = {name: _key(name, coded) for name, _, coded in pairs}
        if not keys or len(keys) != len(pairs):
            raise KeyFault("A list of keys is empty or names one twice")
        return cls(keys)

    @property
    def current(self) -> str:
        """The name of the key that writes."""
        return next(iter(self.keys))

    def get(self, name: str) -> bytes:
        """Raises KeyFault when there is no such key."""
        if name not in self.keys:
            raise KeyFault(f"There is no key called {name[:32]!r}")
        return self.keys[name]

    def led_by(self, name: str, key: bytes) -> Keyring:
        """The same keys behind a new one that writes from now on."""
        return Keyring({name: key} | self.keys)

    def without(self, name: str) -> Keyring:
        """Raises KeyFault for the key that writes, which cannot go."""
        if name == self.current:
            raise KeyFault(f"{name} is the key that writes; make a new one first")
        self.get(name)
        return Keyring({n: k for n, k in self.keys.items() if n != name})

    def text(self) -> str:
        return "".join(f"{name}:{base64.urlsafe_b64encode(key).decode()}\n" for name, key in self.keys.items())


def data_keys(settings: Settings) -> Keyring:
    """The keys of the encrypted columns."""
    return _load(settings.data_keys, settings.data_dir / "secrets" / "data_keys")


def seal_keys(settings: Settings) -> Keyring:
    """The keys of the seals over the audit log."""
    return _load(settings.seal_keys, settings.data_dir / "secrets" / "seal_keys")


def data_keys_file(settings: Settings) -> Path | None:
    """The file that `flask keys` may rewrite; None where the environment itself holds the keys."""
    return _file(settings.data_keys, settings.data_dir / "secrets" / "data_keys")


def new_key() -> tuple[str, bytes]:
    """A random name and a random key of 256 bits."""
    return f"k{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES)


def write(path: Path, keyring: Keyring) -> None:
    """Replace the file in one step, readable by its owner alone."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(keyring.text())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _key(name: str, coded: str) -> bytes:
    try:
        key = base64.b64decode(coded.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES or not _NAME.fullmatch(name):
        raise KeyFault(f"The key {name[:32]!r} is not name:<{KEY_BYTES} bytes in URL-safe base64>")
    return key


def _file(setting: str, default: Path) -> Path | None:
    if setting and not setting.startswith("file:"):
        return None
    return Path(setting.removeprefix("file:")) if setting else default


_read: dict[Path, tuple[Stamp, Keyring]] = {}


def _load(setting: str, default: Path) -> Keyring:
    path = _file(setting, default)
    if path is None:
        return Keyring.parse(setting)
    if not setting and not path.exists():
        _generate(path)
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if path not in _read or _read[path][0] != stamp:
            _read[path] = stamp, Keyring.parse(path.read_text())
    except OSError as error:
        raise KeyFault(f"The keys in {path} cannot be read: {error.strerror}") from None
    return _read[path][1]


def _generate(path: Path) -> None:
    """The first keys of a data folder; of two processes that start at once, one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    name, key = new_key()
    write(fresh, Keyring({name: key}))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
