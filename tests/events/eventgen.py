# SPDX-License-Identifier: MIT
"""TensorBoard event files, written after the format's description: PyTorch's and TF 1's, TF 2's, and odd ones."""
import struct


def _table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_TABLE = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def head(length):
    """A record's length with its checksum."""
    raw = struct.pack("<Q", length)
    return raw + struct.pack("<I", masked(raw))


def record(data):
    return head(len(data)) + data + struct.pack("<I", masked(data))


def varint(n):
    n &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def message(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def event(step, time, body=b""):
    """An Event's bytes; a step of 0 is not written, as protobuf leaves out what is 0."""
    return (double(1, time) if time else b"") + (number(2, step) if step else b"") + body


def version():
    """The first record of every file."""
    return event(0, 1700000000.0, message(3, b"brain.Event:2"))


def summary(*values):
    return message(5, b"".join(message(1, v) for v in values))


def simple(tag, value):
    """As PyTorch and TF 1."""
    return message(1, tag.encode()) + real(2, value)


def metadata(plugin, data_class=0):
    return message(9, message(1, message(1, plugin.encode())) + (number(4, data_class) if data_class else b""))


def tensor(tag, value, how="content", plugin=None, shape=b""):
    """As TF 2 and Keras: content (raw bytes), packed, alone (not packed), double, packed-double."""
    kind = 2 if "double" in how else 1
    raw = struct.pack("<d" if kind == 2 else "<f", value)
    body = {"content": message(4, raw), "double": message(4, raw), "packed": message(5, raw),
            "alone": varint(5 << 3 | 5) + raw, "packed-double": message(6, raw),
            "alone-double": varint(6 << 3 | 1) + raw}[how]
    return message(1, tag.encode()) + message(8, number(1, kind) + message(2, shape) + body) + (
        metadata(plugin) if plugin else b"")


def session_start(step):
    """What a writer with purge_step says."""
    return event(step, 1700000000.0, message(7, number(1, 1)))


def scalars(step, values, time=None):
    """One record: an Event with simple values."""
    return record(event(step, 1700000000.0 + step if time is None else time,
                        summary(*(simple(tag, value) for tag, value in values.items()))))


def file_of(*events):
    return record(version()) + b"".join(record(e) for e in events)
