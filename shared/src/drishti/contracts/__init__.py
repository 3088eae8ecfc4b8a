"""What derives from the catalogue: JSON Schemas, the AsyncAPI document, NATS permissions, TypeScript types, pages of the docs.

All of it is committed, none of it is written by hand: ``drishti contracts write`` makes the files, ``drishti contracts check``
fails where one differs. The committed schemas are also the record of what was promised: :func:`~drishti.contracts.files.write`
refuses to replace one by a schema that breaks it (:mod:`drishti.contracts.evolution`).
"""
