"""Holds the contract documents against their own rules. Run from the root of the repository.

- openapi.yaml is valid OpenAPI 3.1, and each example in it satisfies the schema beside it.
- Each schema in events/schemas is valid, and the examples in it satisfy it.
- template.yaml and docs/costs.md: check_template.py, costs.py.
- In Cargo.toml, what cargo-lambda makes of `release` is the profile `deploy`.
"""

import json
import pathlib
import sys
import tomllib

import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate as validate_openapi
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import check_template
import costs


def check_openapi():
    document = yaml.safe_load(pathlib.Path("openapi.yaml").read_text())
    validate_openapi(document)
    uri = "urn:openapi"
    registry = Registry().with_resource(uri, Resource(document, DRAFT202012))

    def follow(node):
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = registry.resolver(uri).lookup(node["$ref"]).contents
        return node

    def walk(node, pointer):
        if isinstance(node, dict):
            examples = [follow(each)["value"] for each in as_map(node.get("examples")).values()]
            if "example" in node:
                examples.append(node["example"])
            if "schema" in node:
                escaped = "/".join(key.replace("~", "~0").replace("/", "~1") for key in pointer)
                schema = {"$ref": f"{uri}#/{escaped}/schema"}
                for example in examples:
                    yield from check(schema, registry, example, "/".join(pointer))
            for key, value in node.items():
                yield from walk(value, [*pointer, key])
        elif isinstance(node, list):
            for index, value in enumerate(node):
                yield from walk(value, [*pointer, str(index)])

    return list(walk(document, []))


def check_events():
    folder = pathlib.Path("events")
    schemas = {path.name: json.loads(path.read_text()) for path in sorted((folder / "schemas").glob("*.json"))}
    registry = Registry().with_resources(
        (name, Resource.from_contents(schema)) for name, schema in schemas.items()
    )
    results = []
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", []):
            results += check({"$ref": name}, registry, example, name)
            # A schema which takes anything is worth nothing.
            leak = {**example, "data": {**example["data"], "email": "ann@example.com"}}
            if Draft202012Validator({"$ref": name}, registry=registry).is_valid(leak):
                results.append(f"{name}: the schema lets an address pass")
    return results


def check_profile():
    manifest = tomllib.loads(pathlib.Path("Cargo.toml").read_text())
    deploy = {key: value for key, value in manifest["profile"]["deploy"].items() if key != "inherits"}
    config = tomllib.loads("\n".join(manifest["workspace"]["metadata"]["lambda"]["build"]["config"]))
    if config["profile"]["release"] == deploy:
        return []
    return ["Cargo.toml: [workspace.metadata.lambda.build] is not the profile `deploy`"]


def check(schema, registry, instance, place):
    validator = Draft202012Validator(schema, registry=registry)
    for error in validator.iter_errors(instance):
        yield f"{place}: {error.json_path}: {error.message}"


def as_map(node):
    return node if isinstance(node, dict) else {}


if __name__ == "__main__":
    problems = [*check_openapi(), *check_events(), *check_profile(), *check_template.check(), *costs.check()]
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)
