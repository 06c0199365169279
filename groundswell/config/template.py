"""The groundswell.yaml that `init` writes: short, commented, valid, and ready to be edited."""

from __future__ import annotations

import json
import re

_PLAIN = re.compile(r"[^\W\d_][\w .-]*\w")
_TEXT = """\
# What Groundswell needs to know about your product. Everything else has a default:
#   groundswell check             tells every mistake, with its line and how to mend it
#   groundswell explain-config    shows each effective value and where it came from
company: {company}
currency: USD

events:                                   # what events mean -> your names for them
  signed_up:          Signed Up
  activated:          Project Created     # the moment a new account gets its first value
  used_feature:                           # name your features; `*` stands for any text
    projects:         [Project Created, Project Viewed]
    reports:          {{event: Report *, paid: true}}
    audit_log:        {{event: Audit Log Viewed, enterprise: true}}
  invited:            Invite Sent         # reads invitee_email, invitee_role, department
  invite_accepted:    Invite Accepted
  integration_connected: {{event: Integration Connected, name: properties.provider}}
  limit_hit:          {{event: Limit Reached, kind: properties.limit}}
  pricing_viewed:     {{page: /pricing*}}
  upgrade_started:    Checkout Started
  upgrade_completed:  Checkout Completed
  hand_raised:        [Contact Sales Submitted, Demo Requested]

# features:                               # added to the built-in ones (docs/reference/features.md)
#   exports_28d:      {{count: events, of: Export Finished, within: 28d}}
#   fast_growth:      {{when: user_growth_60d >= 2 AND active_users_28d >= 5}}

score:
  preset: hybrid                          # hybrid | points | buckets | fitted
  weights: {{usage: 0.40, fit: 0.35, behaviour: 0.25}}
  qualified: {{above: 70}}
  enterprise: {{above: 90}}
  release: {{below: 10, for: 7d, cool_down: 30d}}
  fit:                                    # points of a part add up to 100 and are scaled to it
    industry: {{software: 30, fintech: 30, education: 10, other: 0, unknown: 5}}

# learning:                               # what a score is proved by (docs: proving)
#   outcome: converted                    # converted | expanded | won | any
#   horizon: 60d

plans:                                    # cheapest first; names as in your subscriptions
  free:       {{seats: 5, motion: self_serve, talk_to_sales: absent}}
  team:       {{price: 12 per seat monthly, seats: 50, motion: self_serve}}
  business:   {{price: from 900 monthly, motion: sales_assist, talk_to_sales: optional}}
  enterprise: {{motion: enterprise, talk_to_sales: only}}

market:
  tech_stack: [salesforce, snowflake]     # technologies that make a company fit
  addressable_share: 0.2                  # share of its employees who could use the product

limits:
  usage: api_calls_30d                    # what a plan's `usage` counts
  at: 0.8                                 # from here on a limit is nearly reached

# motions:                                # who works an account; tried before the shipped rules
#   - name: regulated industries need a human
#     when: industry IN ('banking', 'insurance') AND security_asks_28d > 0
#     motion: enterprise

# alerts:                                 # daily: which customers could take more (docs: alerts)
#   high: 50
#   signs:
#     users_added: {{family: growth, when: new_users_28d >= 10, points: 25}}

# risks:                                  # daily: which customers may be about to leave
#   signs:
#     usage_down: {{when: usage_trend_28d <= 0.5, say: "usage is {{usage_trend_28d:percent}}"}}

# customer_success:                       # which customers have a person of their own
#   named_from_arr: 12000
#   inbox: success@yours.example          # who is told of the others

guardrails:                               # before a person contacts a self-serve user
  min_account_age: 3d
  max_silence: 180d
  one_touch_per_account: 30d
  one_touch_per_person: 90d
  holdout: 0%                             # share left alone, to measure what a human adds

# teams:
#   sales_assist:
#     members:
#       - {{name: Rep One, email: rep1@example.com, timezone: Europe/Berlin, capacity: 25}}
#     first_touch_within: 24 working hours

identity:
  domains: true                           # users of one company domain are one account
  solo_accounts: true                     # a personal address is an account of its own
  internal: []                            # your own domains; their events do not count

warehouse: duckdb                         # or postgresql://..., spark://...
ledger: sqlite                            # or postgresql://...
"""


def starting_config(company: str = "Your company") -> str:
    """Return the text of a new project's groundswell.yaml.

    Args:
        company: The company's name, put in as text whatever signs it holds.
    """
    plain = _PLAIN.fullmatch(company) and company.lower() not in {"true", "false", "null"}
    return _TEXT.format(company=company if plain else json.dumps(company, ensure_ascii=False))
