"""Holds JSON against schemas of an OpenAPI document: openapi_check.py DOCUMENT ENTRIES

An entry is a line: a schema, which may refer into the document, a tab, and a value. Prints what is wrong; nothing when
all is well.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is missing: apt-get install python3-jsonschema")
    sys.exit(3)

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
for schema in document["components"]["schemas"].values():
    jsonschema.Draft202012Validator.check_schema(schema)
with open(sys.argv[2], encoding="utf-8") as file:
    for line in file:
        schema, value = (json.loads(part) for part in line.rstrip("\n").split("\t"))
        # References are looked up in the document that the schema stands in.
        validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
        for error in validator.iter_errors(value):
            print(f"{json.dumps(schema)}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
