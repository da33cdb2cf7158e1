"""What is checked of a workbook's zip file before anything parses it.

Sizes come from the directory first, so that an honest bomb costs nothing; then each part is unpacked in steps
and measured, so that a directory which lies is caught at the first byte too many. Source: security.md, "XLSX
bombs".
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from billhook_common.tabular.problems import DamagedWorkbook, NotATable, UnsafeWorkbook
from billhook_common.tabular.table import Limits

_STEP = 1024 * 1024
_RATIO_MATTERS_FROM = 64 * 1024
"""Bytes unpacked; a small file of blanks packs a thousandfold and harms nobody."""
_ENCRYPTED = 0x1
_ARCHIVES = (
    ".zip",
    ".xlsx",
    ".xlsm",
    ".xlsb",
    ".xls",
    ".ods",
    ".docx",
    ".7z",
    ".rar",
    ".gz",
    ".bz2",
    ".tar",
    ".jar",
)
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


def check_workbook(data: bytes, limits: Limits) -> None:
    """Refuse a zip file that is no harmless workbook.

    Raises DamagedWorkbook, NotATable or UnsafeWorkbook.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError) as error:
        raise DamagedWorkbook("The workbook is cut off or damaged; download or save it again") from error
    _check_names(parts, limits)
    _check_sizes(parts, len(data), limits)
    for part in parts:
        _check_content(data, part)


def _check_names(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    names = [part.filename.replace("\\", "/").lower() for part in parts]
    if len(names) > limits.zip_entries:
        raise UnsafeWorkbook(f"More than {limits.zip_entries} parts in the workbook")
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise UnsafeWorkbook("The workbook is encrypted; save it without a password")
    if "[content_types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise NotATable("A zip file, but not an Excel workbook (.xlsx)")
    if len(set(names)) < len(names):
        raise UnsafeWorkbook("Two parts of the workbook have the same name")
    if any(name.startswith("/") or ".." in name.split("/") for name in names):
        raise UnsafeWorkbook("A part of the workbook has a path that leads out of it")
    if any(name.endswith("vbaproject.bin") for name in names):
        raise UnsafeWorkbook("The workbook holds macros; save it as .xlsx")
    if any(name.endswith(_ARCHIVES) for name in names):
        raise UnsafeWorkbook("The workbook holds another archive or an embedded document")


def _check_sizes(parts: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if packed > size:
        raise UnsafeWorkbook("Parts of the workbook overlap")
    if unpacked > limits.unpacked_bytes:
        raise UnsafeWorkbook(f"The workbook unpacks to more than {limits.unpacked_bytes // 1024**2} MB")
    if unpacked > _RATIO_MATTERS_FROM and unpacked > limits.unpack_ratio * packed:
        raise UnsafeWorkbook(f"The workbook unpacks to more than {limits.unpack_ratio} times its size")


def _check_content(data: bytes, part: zipfile.ZipInfo) -> None:
    unpacked = 0
    for piece in _unpack(data, part):
        if not unpacked and piece.startswith(_LOCAL_SIGNATURE):
            raise UnsafeWorkbook("The workbook holds another archive or an embedded document")
        if not unpacked and piece.startswith(_NOT_UTF8):
            raise UnsafeWorkbook("A part of the workbook is not written in UTF-8")
        unpacked += len(piece)
        if unpacked > part.file_size:
            raise UnsafeWorkbook("A part of the workbook is larger than it claims")
    if unpacked != part.file_size:
        raise DamagedWorkbook("A part of the workbook is cut off")


def _unpack(data: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's content in steps; ``zipfile`` itself stops at the claimed size and so hides a lie."""
    header = data[part.header_offset : part.header_offset + _LOCAL_HEADER.size]
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_SIGNATURE):
        raise DamagedWorkbook("A part of the workbook is missing")
    _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    start = part.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    packed = data[start : start + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        yield packed
    elif part.compress_type == zipfile.ZIP_DEFLATED:
        yield from _inflate(packed)
    else:
        raise UnsafeWorkbook("A part of the workbook is packed in an unusual way")


def _inflate(packed: bytes) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while packed and not stream.eof:
            yield stream.decompress(packed, _STEP)
            packed = stream.unconsumed_tail
    except zlib.error as error:
        raise DamagedWorkbook("A part of the workbook is damaged") from error
