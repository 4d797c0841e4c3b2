"""What stands in README.txt of a bundle."""

README = """\
Evidence from the audit log of Steward
======================================

This bundle holds rows of an audit log with the proof that they are exactly what was sealed: that nobody has changed
one of them since, not even whoever runs the database.


To verify it
------------

Unpack it anywhere and run, on a machine of your own with Python 3.9 or newer and nothing else:

    python3 -I verify.py

(on Windows: py -I verify.py). It needs no network. It exits with 0 and says VERIFIED, with 1 and names the first thing
that does not hold, or with 2 if all holds but nothing could be compared with the heads that you gave. Without -I it
refuses to run, as Python would take other files of this directory for its own.

A script that came with a bundle says what whoever made the bundle wants. Take verify.py from a Steward that you trust
(from a bundle of your own), compare its sha-256 with the one on the page "Integrity", and run that on this bundle:

    python3 -I /where/you/keep/it/verify.py steward-audit.zip

Two questions only you can answer, with what you keep outside of Steward:

  Is this the right key?  The seal key is known beforehand: it stands on Steward's page "Integrity", and auditors note
      it at the beginning of an engagement. Give it, and a bundle that was signed by another is refused:

          python3 -I verify.py --public-key THE-KEY-THAT-YOU-NOTED

  Was the whole log rewritten, with all its seals?  Whoever has the seal key could do that. It shows against the heads
      of the chain that were sent out of the database as time went by, to a file, by mail or to a webhook. Put those
      that you received into a file, a line each as {{"seal": 7, "hash": "..."}}, and give it:

          python3 -I verify.py --checkpoints heads.jsonl


What is in it
-------------

manifest.json   the search, who took it away and when, how many rows, the sha-256 of every other file, the head of the
                chain, the public key. "withheld" rows match the search, but this person may not read them; "unsealed"
                rows were written moments before. Neither is in the bundle.
manifest.sig    the Ed25519 signature of manifest.json, 64 bytes.
rows.jsonl      the rows, one a line: the exact text that was hashed, with all columns. Times are microseconds since
                1970 in UTC, "changes" holds [before, after] for each field. They are in the order of the seals; to read
                them by time, sort by "recorded_at" and "id".
proofs.jsonl    a line for each seal that covers rows: "leaves" says which of its rows they are (runs of first place
                and count, in the order of rows.jsonl), "proof" the hashes of the other parts of its tree.
seals.jsonl     every seal from the first needed to the head: "header" is the exact text that is hashed, "hash" its
                sha-256, "signature" the Ed25519 signature of that hash (of its 32 bytes).
verify.py       the script. Read it: it is short, and this file says all that it does.


What is checked
---------------

1. manifest.sig is the signature of manifest.json by "public_key".
2. Every seal has the hash written beside it, its number follows the one before, and "previous" in its header is the
   hash of the one before. The last is the head in the manifest, and carries a good signature by the same key. Of the
   seals that cover rows each signature is checked, too, if they are not more than 200; the chain covers the rest.
3. Each row is hashed: sha-256 of the byte 0x00 and the line without its end. The hashes at their places and the proof
   give the root of a Merkle tree as RFC 6962 has it: a node is the sha-256 of 0x01, the left and the right half, and a
   tree of n leaves is split at the largest power of two below n. The proof holds, from left to right, the hash of each
   largest part without any of the rows. The root and the number of leaves are those in the header of the seal.
4. The number of rows is that of the manifest, and the sha-256 of every file.

Without the script, OpenSSL checks the signature of the manifest, and sha256sum the files:

    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig

with key.pem (the key of this bundle; whether it is the right one is the first question above):

    -----BEGIN PUBLIC KEY-----
    {pem}
    -----END PUBLIC KEY-----


What it does not prove
----------------------

That no other row matched the search: a bundle proves its rows, not that no others matched. That they are complete is
what Steward says, by its signature of the manifest. Rows that are there, though, cannot be altered, and rows that were
sealed cannot be taken out of the log unseen. Nor that what people told Steward was true: the log shows what was
entered, by whom and when.

Nor does it hide all of what was left out: proofs.jsonl holds hashes of rows that are not here. Whoever knows all of
such a row but a short value (a yes or no, a small number) could find it by trying. Hand a bundle only to those who may
know that much.
"""
