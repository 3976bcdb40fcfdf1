"""A small PDF by hand: lines of text in Helvetica on A4, uncompressed. Enough to check that the figures are right."""

from __future__ import annotations

from .invoice_view import InvoiceView

LINES_PER_PAGE = 52
LEFT, TOP, LEADING, SIZE = 56, 786, 14, 10


def invoice_pdf(shown: InvoiceView) -> bytes:
    """The invoice as a PDF file. Letters outside Western European become question marks."""
    return text_pdf(_rows(shown))


def text_pdf(texts: list[str]) -> bytes:
    """Lines of text as a PDF file."""
    rows = [part for text in texts for part in _wrapped(text)]
    pages = [rows[start : start + LINES_PER_PAGE] for start in range(0, len(rows), LINES_PER_PAGE)]
    return _file([_stream(page) for page in pages])


def _rows(shown: InvoiceView) -> list[str]:
    head = [
        "FakeStripe: this is not a real invoice",
        "",
        f"Invoice {shown.number}",
        f"From {shown.seller}, {shown.seller_country}",
        *(f"To {line}" if number == 0 else f"     {line}" for number, line in enumerate(shown.buyer)),
        f"Date {shown.issued}",
        *([f"Due {shown.due}"] if shown.due else []),
        f"Status {shown.state_words}{f' on {shown.paid_on}' if shown.paid_on else ''}",
        *(f"{name} {value}" for name, value in shown.custom),
        "",
    ]
    lines = [
        f"{line.description}   {line.quantity}{f' x {line.unit}' if line.unit else ''}   {line.amount}"
        f"{f'   ({line.tax})' if line.tax else ''}"
        for line in shown.lines
    ]
    sums = [f"{words}   {figure}" for words, figure in shown.sums]
    foot = [*(["Reverse charge"] if shown.reverse_charge else []), shown.memo, shown.footer]
    return [*head, *lines, "", *sums, "", *foot]


def _wrapped(row: str, width: int = 95) -> list[str]:
    parts = [line[start : start + width] for line in row.split("\n") for start in range(0, max(len(line), 1), width)]
    return parts or [""]


def _stream(rows: list[str]) -> bytes:
    shown = b"".join(b"(" + _escaped(row) + b") Tj T*\n" for row in rows)
    return b"BT /F1 %d Tf %d TL %d %d Td\n" % (SIZE, LEADING, LEFT, TOP) + shown + b"ET"


def _escaped(text: str) -> bytes:
    plain = text.replace("\N{MINUS SIGN}", "-").encode("cp1252", "replace")
    return plain.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


def _file(streams: list[bytes]) -> bytes:
    first_page = 4
    kids = b" ".join(b"%d 0 R" % (first_page + 2 * number) for number in range(len(streams)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % len(streams),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, stream in enumerate(streams):
        content = first_page + 2 * number + 1
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            b"/Contents %d 0 R >>" % content
        )
        objects.append(b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream")
    return _assembled(objects)


def _assembled(objects: list[bytes]) -> bytes:
    data, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(data)
