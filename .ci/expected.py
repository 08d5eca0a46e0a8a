"""What functions answer to the events in events/, on a stack that has Ann (events/samples/users.jsonl)."""

import json

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ADMIN, ANN = "admin", "ann@example.com"
DONE, RELAYED = None, {"batchItemFailures": []}

# In this order: event, who asks, and the status, with the code of an error, or the whole answer. Secrets in
# events are those of nobody, and so are most ids. Ann is there until she is erased.
CASES = [
    ("describe-api", None, 200),
    ("create-user", ADMIN, 201),
    ("authenticate", None, 201),
    ("list-users", ADMIN, 200),
    ("on-user-created", None, DONE),
    ("publish-events", None, {"batchItemFailures": [{"itemIdentifier": "100000000004815162397"}]}),
    # What Ann does.
    ("prove-again", ANN, 200),
    ("change-email", ANN, 202),
    ("withdraw-email-change", ANN, 204),
    ("list-identities", ANN, 200),
    ("link-identity", ANN, "422 invalid"),
    ("unlink-identity", ANN, "404 not-found"),
    ("request-mail", None, 202),
    ("change-password", ANN, 204),
    # What administrators do.
    ("get-user", ADMIN, 200),
    ("update-user", ADMIN, 200),
    ("assign-roles", ADMIN, 200),
    ("export-user", ADMIN, 200),
    ("list-audit-events", ADMIN, 200),
    ("list-sessions", ADMIN, 200),
    ("end-session", ADMIN, "404 not-found"),
    ("end-sessions", ADMIN, 204),
    ("lift-mail-suppression", ADMIN, 204),
    ("start-recovery", ADMIN, 202),
    ("deactivate-user", ADMIN, 200),
    ("reactivate-user", ADMIN, 200),
    ("create-api-key", ADMIN, 201),
    ("list-api-keys", ADMIN, 200),
    ("revoke-api-key", ADMIN, "404 not-found"),
    ("list-invitations", ADMIN, 200),
    ("send-invitation", ADMIN, "404 not-found"),
    ("withdraw-invitation", ADMIN, "404 not-found"),
    ("register-service", ADMIN, 201),
    ("register-instance", ADMIN, 200),
    ("get-service", ADMIN, 200),
    ("list-services", ADMIN, 200),
    ("discover-service", ADMIN, 200),
    ("list-deliveries", ADMIN, 200),
    ("redeliver-events", ADMIN, 202),
    ("rotate-service-secret", ADMIN, 200),
    ("deregister-instance", ADMIN, 204),
    ("deregister-service", ADMIN, 204),
    # What nobody has a secret for.
    ("refresh-session", None, "401 invalid-refresh-token"),
    ("verify-email", None, "410 token-expired"),
    ("disown-address", None, "410 token-expired"),
    ("reset-password", None, "410 token-expired"),
    ("list-identity-providers", None, 200),
    ("publish-keys", None, 200),
    # What AWS invokes.
    ("check-services", None, DONE),
    ("notify-services", None, DONE),
    ("deliver-events", None, RELAYED),
    ("publish-events-sessions", None, RELAYED),
    ("on-access-changed", None, DONE),
    ("on-email-change-requested", None, DONE),
    ("on-email-changed", None, DONE),
    ("on-email-verification-requested", None, DONE),
    ("on-password-reset-requested", None, DONE),
    ("on-recovery-started", None, DONE),
    ("on-sign-up-requested", None, DONE),
    ("on-user-invited", None, DONE),
    ("record-audit", None, DONE),
    ("record-mail", None, DONE),
    ("rotate-signing-keys", None, DONE),
    ("snapshot-directory", None, DONE),
    ("delete-user", ADMIN, 204),
    ("on-user-deleted", None, DONE),
]


class Contract:
    """openapi.yaml, which says how an answer looks."""

    URI = "urn:openapi"

    def __init__(self, root):
        self.root = root
        self.document = yaml.safe_load((root / "openapi.yaml").read_text())
        self.registry = Registry().with_resource(self.URI, Resource(self.document, DRAFT202012))

    def problem(self, event, expected, answer):
        """Why `answer` is not what is expected; None if it is."""
        if not isinstance(expected, (int, str)):
            return None if answer == expected else f"expected {json.dumps(expected)}"
        status, _, code = str(expected).partition(" ")
        if not isinstance(answer, dict) or str(answer.get("statusCode")) != status:
            return f"expected {expected}"
        method, path = json.loads((self.root / "events" / f"{event}.json").read_text())["routeKey"].split()
        place = ["paths", path, method.lower(), "responses", status]
        for name in self.at(place)[1].get("headers", {}):
            is_required = self.at([*place, "headers", name])[1].get("required")
            if is_required and name.lower() not in answer["headers"]:
                return f"without {name}"
        return self.problem_of_body([*place, "content"], code, answer)

    def problem_of_body(self, place, code, answer):
        body = answer.get("body")
        try:
            kind = answer["headers"].get("content-type", "").partition(";")[0]
            place, _ = self.at([*place, kind, "schema"])
        except KeyError:
            return f"{kind}: openapi.yaml has no such answer" if body else None
        body = json.loads(body)
        if body.get("code", "") != code:
            return f"expected {code or 'no error'}"
        pointer = "/".join(key.replace("~", "~0").replace("/", "~1") for key in place)
        schema = {"$ref": f"{self.URI}#/{pointer}"}
        errors = Draft202012Validator(schema, registry=self.registry).iter_errors(body)
        return next((f"{error.json_path}: {error.message}" for error in errors), None)

    def at(self, keys):
        """What these keys lead to, references followed on the way: its place, and the thing itself."""
        place, node = [], self.document
        for depth, key in enumerate(keys, 1):
            place, node = [*place, key], node[key]
            if "$ref" in node:
                return self.at([*node["$ref"].removeprefix("#/").split("/"), *keys[depth:]])
        return place, node
