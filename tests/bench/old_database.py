#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a scheduler's database of schema version 2 out of one of today's, to measure (and try) its
migration with: old_database.py TODAYS OLD. docs/formats/database.md says what is in either."""
import pathlib
import re
import sqlite3
import sys
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "scheduler/adapters/store/schema.cpp"
# Tables that are today what they were.
SAME = ("meta", "hosts", "flavors", "images", "networks", "requests", "outbox", "aggregates",
        "aggregate_hosts", "server_groups", "reserved")


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, data):
    return varint(number << 1 | 1) + varint(len(data)) + data


def main(todays, old):
    steps = re.findall(r'Step\{R"sql\((.*?)\)sql"\}', SOURCE.read_text(), re.S)[:2]
    db = sqlite3.connect(old, isolation_level=None)
    for pragma in ("page_size = 4096", "journal_mode = OFF", "synchronous = OFF",
                   "cache_size = -262144"):
        db.execute("PRAGMA " + pragma)
    db.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL)")
    for step in steps:
        db.executescript(step)
    db.execute("INSERT INTO migrations VALUES (1, 0), (2, 0)")
    db.execute("ATTACH ? AS now", (todays,))
    parts = {0: b""}
    for number, doc in db.execute("SELECT id, doc FROM now.parts"):
        parts[number] = bytes(doc)[1:]

    def document(doc, flavor, image, kernel, ramdisk):
        for number, part in ((2, flavor), (3, image), (4, kernel), (5, ramdisk)):
            if part:
                doc += field(number, parts[part])
        return doc

    def text_of(data):
        return str(uuid.UUID(bytes=data))

    db.create_function("document", 5, document, deterministic=True)
    db.create_function("uuid_text", 1, text_of, deterministic=True)
    db.create_function("part", 1, lambda number: parts[number].decode(), deterministic=True)
    db.execute("BEGIN")
    db.execute("DELETE FROM meta")
    for table in SAME:
        columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
        db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}")
    db.execute(
        "INSERT INTO main.instances SELECT i.id, uuid_text(i.uuid), i.revision, i.vm_state,"
        " i.terminated_at, i.admin_password, document(d.doc, i.flavor, i.image, i.kernel,"
        " i.ramdisk) FROM now.instances i JOIN now.instance_docs d ON d.id = i.id")
    db.execute(
        "INSERT INTO main.claims SELECT uuid_text(uuid), uuid_text(claim_id), claim_host,"
        " claim_generation, part(claim_resources) FROM now.instances WHERE claim_id IS NOT NULL")
    db.execute(
        "INSERT INTO main.addresses SELECT a.network, a.address, a.port, uuid_text(i.uuid)"
        " FROM now.addresses a JOIN now.instances i ON i.id = a.instance")
    db.execute("DELETE FROM main.sqlite_sequence")
    db.execute("INSERT INTO main.sqlite_sequence SELECT name, seq FROM now.sqlite_sequence")
    db.execute("COMMIT")
    db.execute("DETACH now")
    print(db.execute("SELECT COUNT(*) FROM instances").fetchone()[0], "instances,",
          db.execute("SELECT COUNT(*) FROM claims").fetchone()[0], "claims,",
          db.execute("SELECT COUNT(*) FROM hosts").fetchone()[0], "hosts")


if __name__ == "__main__":
    main(*sys.argv[1:3])
