"""What Roster costs on AWS, from the requests counted in docs/costs.md.

    python .ci/costs.py          says whether the tables of docs/costs.md are up to date
    python .ci/costs.py --write  writes them

Dollars of us-east-1 at list prices, without the free tier, data transfer and taxes. Everything that is neither
counted nor a price is here in capital letters, and docs/costs.md says it.
"""

import math
import pathlib
import sys

from samcli.yamlhelper import yaml_parse

DOCUMENT = pathlib.Path("docs/costs.md")
BEGIN, END = "<!-- `.ci/costs.py --write` writes this -->\n", "<!-- end -->"

# ── List prices, us-east-1, in dollars, as of PRICES_OF. To be looked up again before they are relied on.
PRICES_OF = "29 November 2026"
GATEWAY = 1.00  # a million requests, the first 300 million of a month
GATEWAY_FURTHER = 0.90
GATEWAY_TIER = 300  # million
INVOCATIONS = 0.20  # a million
GB_SECOND = 0.0000133334  # arm64
READ_UNITS = 0.125  # a million, on demand
WRITE_UNITS = 0.625
STORAGE = 0.25 + 0.20  # a GB and month of a table with point-in-time recovery
EVENTS = 1.00  # a million custom events
MAILS = 100.00  # a million
LOG_GB = 0.50  # taken in
ALARM_METRIC = 0.10  # a month, for each metric that an alarm looks at
CUSTOM_METRIC = 0.30  # a month
DASHBOARD = 3.00  # a month

# Others: dollars a month for so many monthly active users, by tiers of users and a price for each of them.
COGNITO_LITE = [(10_000, 0), (100_000, 0.0055), (1_000_000, 0.0046), (10_000_000, 0.00325), (math.inf, 0.0025)]
COGNITO_ESSENTIALS = [(10_000, 0), (math.inf, 0.015)]
AUTH0 = {10_000: 700}  # B2C Essentials; beyond some 20,000 users the price is not listed

# ── Measured: CPU milliseconds of one core (docs/performance.md).
HASH = 14.79  # a sign-in as a whole process, one hash in it
# ── Assumed.
OTHER = 1.0  # CPU milliseconds of any other answer: parsing, a signature checked, TLS and JSON of its requests
SIGNING = 0.7  # an RSA signature more
WAIT = 5.0  # milliseconds for one answer of DynamoDB, on which nothing else is done
ANSWERED, PLATFORM, ACCESS = 230, 560, 200  # bytes of the lines of one invocation: its own, Lambda's, the gateway's

CORE = 1769  # MB that have one core

HASHING = {
    "sign up",
    "sign in",
    "sign in from a known device",
    "prove again who one is",
    "change one's password",
    "ask for another address",
    "reset a password",
    "take over an account which nobody confirmed",
}
SIGN = {"refresh a session", "sign in by a provider"}

# Requests of which others wait for the end; the rest are sent at the same time, or beside the hash. Where
# nothing is said, each waits for the one before.
IN_TURN = {"sign in": 3, "sign in from a known device": 3, "sign up": 2}

# Commands which cause no event; every other one that writes causes one.
SILENT = {
    "refresh a session",
    "ask for a password reset",
    "ask to verify an address",
    "read a user with an API key",
    "register an instance of a service",
}
# What observers do, as counted: each event is relayed, recorded, and offered to services.
RELAY, RECORD = "relay an event of a user", "record an event in the audit trail"
NOTIFY = "look which services are told of an event"
WELCOME, REPORT = "send a welcome mail", "note what becomes of it"
RESET_MAIL = "mail a link for a new password"
CONSEQUENCES = (RELAY, RECORD, NOTIFY, WELCOME, REPORT, RESET_MAIL)
# Requests, read and write units of mails: the most that were counted, for they depend on what is noted first.
LETTERS = {
    WELCOME: ("OnUserCreated", 12, 4, 8),
    REPORT: ("RecordMail", 2, 0, 2),
    RESET_MAIL: ("OnPasswordResetRequested", 13, 5, 8),
}
# Mails of a command, each sent by an observer, and reported as sent and as delivered.
MAILED = {
    "sign up": (WELCOME, 1),
    "ask for another address": (RESET_MAIL, 2),
    "change one's password": (WELCOME, 1),
    "link an identity": (WELCOME, 1),
    "unlink an identity": (WELCOME, 1),
    "invite a user": (WELCOME, 1),
    "start a recovery": (RESET_MAIL, 1),
    "ask for a password reset": (RESET_MAIL, 1),
    "ask to verify an address": (RESET_MAIL, 1),
    "reset a password": (WELCOME, 1),
}
# These two have an event, though they are told to nobody: without it no mail would be sent.
ASKED = {"ask for a password reset", "ask to verify an address"}

# ── A business: what one monthly active user does in a month.
HABITS = {
    "sign in from a known device": 3,
    "sign in": 1,
    "refresh a session": 60,
    "read a user": 60,
    "sign up": 0.05,
    "verify an address": 0.04,
    "ask for a password reset": 0.05,
    "reset a password": 0.04,
    "rename a user": 0.02,
    "change one's password": 0.02,
    "sign out": 0.5,
    "list users": 0.01,
}
SIZES = {"10 thousand": 10_000, "1 million": 1_000_000, "10 million": 10_000_000}
KB_A_USER = 6  # user, login, history, sessions
KB_AN_EVENT = 1.4  # in the trail, with its index, for two years
MONTHS_KEPT = 24
SNAPSHOTS = 12 * 24 * 30  # looked for in a month, five requests each
CHECKS = 60 * 24 * 30  # of services, one request if there are none

PARTS = ("gateway", "Lambda", "DynamoDB", "events", "mail", "logs")


class Prices:
    """Dollars of a million of each command."""

    def __init__(self):
        self.rows = {name: row for name, *row in counted()} | LETTERS
        template = yaml_parse(pathlib.Path("template.yaml").read_text())
        default = template["Globals"]["Function"]["MemorySize"]
        functions = template["Resources"].items()
        self.memory = {name: each.get("Properties", {}).get("MemorySize", default) for name, each in functions}
        self.alarm_metrics = sum(
            sum("MetricStat" in metric for metric in each["Properties"].get("Metrics", [])) or 1
            for _, each in functions
            if each["Type"] == "AWS::CloudWatch::Alarm"
        )

    def milliseconds(self, name):
        """Billed for one invocation: CPU at the share of a core that the memory brings, and waiting."""
        function, requests, *_ = self.rows[name]
        cpu = HASH if name in HASHING else OTHER + (SIGNING if name in SIGN else 0)
        waiting = IN_TURN.get(name, requests) * WAIT
        return math.ceil(cpu * max(CORE / self.memory[function], 1) + waiting)

    def invocation(self, name):
        """Lambda and DynamoDB of a million invocations of its function."""
        function, _, read, write = self.rows[name]
        gb_seconds = self.memory[function] / 1024 * self.milliseconds(name) * 1000
        return INVOCATIONS + gb_seconds * GB_SECOND, read * READ_UNITS + write * WRITE_UNITS

    def events_of(self, name):
        *_, write = self.rows[name]
        return 1 if name in ASKED or (write and name not in SILENT) else 0

    def of(self, name):
        """A million of this command, by part, with everything that follows from it."""
        compute, database = self.invocation(name)
        invocations, followers = 1, [RELAY, RECORD, NOTIFY] * self.events_of(name)
        letter, mails = MAILED.get(name, (None, 0))
        followers += [letter, REPORT] * mails
        for follower in followers:
            more = self.invocation(follower)
            compute, database, invocations = compute + more[0], database + more[1], invocations + 1
        # What is said of a report is that of both, each an invocation.
        compute, invocations = compute + mails * INVOCATIONS, invocations + mails
        logs = (invocations * (ANSWERED + PLATFORM) + ACCESS) * 1e6 / 1e9 * LOG_GB
        return dict(zip(PARTS, (GATEWAY, compute, database, self.events_of(name) * EVENTS, mails * MAILS, logs)))

    def idle(self):
        """Of a month in which nobody comes, by part. Alarms, metrics and the dashboard are among the logs."""
        invoked = (SNAPSHOTS + CHECKS) / 1e6
        compute = invoked * (INVOCATIONS + 1e6 * 0.1 * GB_SECOND)
        metrics = 12
        watching = self.alarm_metrics * ALARM_METRIC + metrics * CUSTOM_METRIC + DASHBOARD
        logs = invoked * (ANSWERED + PLATFORM) / 1000 * LOG_GB
        reads = (SNAPSHOTS * 5 + CHECKS) / 1e6 * READ_UNITS
        return dict(zip(PARTS, (0, compute, reads, 0, 0, logs + watching)))

    def month(self, users):
        """Of a month with so many active users, by part. Twice as many have an account."""
        total = self.idle()
        requests = 0
        for name, times in HABITS.items():
            millions = users * times / 1e6
            requests += millions
            for part, dollars in self.of(name).items():
                total[part] += dollars * millions
        further = max(requests - GATEWAY_TIER, 0)
        total["gateway"] -= further * (GATEWAY - GATEWAY_FURTHER)
        events = sum(self.events_of(name) * times for name, times in HABITS.items()) * users
        gigabytes = (2 * users * KB_A_USER + events * MONTHS_KEPT * KB_AN_EVENT) / 1e6
        total["DynamoDB"] += gigabytes * STORAGE
        return total


def counted():
    """Command, function, requests, read and write units, from the document's first table."""
    lines = DOCUMENT.read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|---"))
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            return
        name, function, *numbers = (cell.strip() for cell in line.strip("|").split("|"))
        yield name, function, *map(float, numbers)


def tiered(tiers, users):
    total, below = 0, 0
    for limit, price in tiers:
        total += max(min(users, limit) - below, 0) * price
        below = limit
    return total


def dollars(amount):
    return f"{amount:,.2f}" if amount < 1000 else f"{amount:,.0f}"


def tables():
    prices = Prices()
    yield f"Dollars for a million, us-east-1, list prices of {PRICES_OF}:\n"
    yield "| a million times | ms | " + " | ".join(PARTS) + " | sum |"
    yield "|---|--:|" + "--:|" * (len(PARTS) + 1)
    for name in prices.rows:
        if name in CONSEQUENCES:
            continue
        parts = prices.of(name)
        cells = " | ".join(dollars(parts[part]) for part in PARTS)
        yield f"| {name} | {prices.milliseconds(name)} | {cells} | {dollars(sum(parts.values()))} |"
    yield "\nDollars a month, by monthly active users, `idle` included in each:\n"
    yield "| users | " + " | ".join(PARTS) + " | sum | Cognito Lite | Cognito Essentials | Auth0 |"
    yield "|---|" + "--:|" * (len(PARTS) + 4)
    for label, users in {"idle": 0, **SIZES}.items():
        parts = prices.month(users)
        cells = " | ".join(dollars(parts[part]) for part in PARTS)
        others = [dollars(tiered(tiers, users)) for tiers in (COGNITO_LITE, COGNITO_ESSENTIALS)]
        auth0 = dollars(AUTH0[users]) if users in AUTH0 else "0.00" if not users else "not listed"
        yield f"| {label} | {cells} | {dollars(sum(parts.values()))} | {' | '.join(others)} | {auth0} |"
    yield "\nThe Lambda part of a sign-in, dollars a million; the goal is 0.45:\n"
    yield "| | request | CPU | waiting | sum |"
    yield "|---|--:|--:|--:|--:|"
    for label, cpu in ((f"{HASH} ms, as measured", HASH), ("9.6 ms, as decision 0013 measured `deploy`", 9.6)):
        core = CORE / 1024 * 1000 * GB_SECOND
        waiting = IN_TURN["sign in"] * WAIT
        cells = (INVOCATIONS, cpu * core, waiting * core, INVOCATIONS + (cpu + waiting) * core)
        yield f"| {label} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |"


def check():
    document = DOCUMENT.read_text()
    return [] if document == replaced(document) else [f"{DOCUMENT} is out of date: run .ci/costs.py --write"]


def replaced(document):
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n".join(tables()) + "\n" + END + after


if __name__ == "__main__":
    if "--write" in sys.argv:
        DOCUMENT.write_text(replaced(DOCUMENT.read_text()))
    problems = check()
    print("\n".join(problems) or f"{DOCUMENT} is up to date")
    sys.exit(bool(problems))
