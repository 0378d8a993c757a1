"""Holds documents against the published schema: schema_check.py SCHEMA good|bad DOCUMENT...

Exits 0 when all documents are good (or all are bad), 1 with the reasons when not, 3 when the validator is missing.
"""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is missing: apt-get install python3-jsonschema")
    sys.exit(3)

schema_path, expected, *documents = sys.argv[1:]
with open(schema_path, encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failed = False
for path in documents:
    with open(path, encoding="utf-8") as file:
        errors = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                  for error in validator.iter_errors(json.load(file))]
    if bool(errors) != (expected == "bad"):
        failed = True
        print(f"{path}: expected {expected}, found", *(errors or ["no error"]), sep="\n  ")
sys.exit(1 if failed else 0)
