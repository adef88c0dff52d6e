"""Marked documents: tables, decoys and front matter, as people write them."""

from __future__ import annotations

STYLES = {
    "status beside the ticket": """\
# PM
## Action Items
| Action Item | Type | Owner | Bug |
|---|---|---|---|
o>| Update playbook | mitigate | jenn | n/a **TODO** |
d>| Add a canary | prevent | docbrown | [Bug 5](https://x.test/5) **DONE** |
""",
    "an unnamed action column": """\
# PM
## Action items
| Issue | Control | Class | State |
|---|---|---|---|
u>| #12 | Bounded enrolment of jobs | loop | Implemented; activation pending |
o>| #13 | Retire superseded reports | loop | open |
""",
    "struck rows": """\
# PM
## Tasks
| Task | Status |
|---|---|
d>| ~~Add a probe~~ | TODO |
o>| Add ~~two~~ three probes | TODO |
""",
    "done column": """\
# PM
## Next steps
| What | Who | Done? |
|---|---|---|
o>| Add a probe | ann | no |
d>| Fix the mount | bob | yes |
o>| Tell the users | bob | |
""",
    "boxes in a table": """\
# PM
## Action items
| | Action | Owner |
|---|---|---|
o>| [ ] | Add a probe | ann |
d>| [x] | Fix the mount | bob |

| Task | Owner |
|---|---|
o>| - [ ] Tell the users | ann |
d>| ✅ Restart it | bob |
""",
    "decoys": """\
# PM: follow-up of the action items of March

| Field | Value |
|---|---|
| **Action** | x |
| **Status** | Open |

## Timeline
| Time | Action | Owner |
|---|---|---|
| 10:00 | Restarted it | ann |
- 10:05 TODO list written

## Actions taken
- Restart everything

## Detection Gaps
| Gap | Recommended action | Owner |
|---|---|---|
| No alert | Add one | ann |

## What went well
- Add nothing

## Lessons Learned
1. Always check the tag

## Out of scope
- Replace the registry

## Open questions
- Why did it restart?

## Follow-up regression (same day)
1. Proxied sites keep the strip

## Implementation log
| Action | Status |
|---|---|
| Add alert | TODO |

## Verification checklist
- [ ] Page loads

## Recovery procedure (next time)
1. Restart the kubelet

## Prevention
See above.

```
- [ ] in a fence
| Action | Status |
|---|---|
| in a fence | TODO |
```
<!--
- [ ] in a comment
-->
""",
    "header-only table and placeholders": """\
# PM
## Action Items
| Priority | Action | Type | Details | Status |
|---|---|---|---|---|

### More
| # | Action | Owner |
|---|---|---|
| 1 | | |
| 2 | — | ann |
| 3 | [What needs to be done] | ann |
| 4 | TBD | ann |

- None.
- No further action required
- [Description]
""",
    "escaped pipes and code": """\
# PM
## Action Items
| # | Action | Owner | Status |
|---|---|---|---|
o>| 1 | Pipe `docker save \\| ctr import` in a script | ds | Todo |
u>| 2 | A pipe `a | b` that is not escaped | ds | Todo |
""",
    "tables of uneven rows": """\
# PM
## Prevention
| Priority | Action | Type | Details | Status |
|---|---|---|---|---|
o>| P1 | Good row | Alert | d | TODO |
u>| P1 | Short row | Alert |
u>| P1 | Long row | Alert | x | Config | y | TODO |
d>| P1 | Short but done | Done |
o>| P1 | Good row again | Alert | d | TODO |
""",
    "rows cut off by a blank line": """\
# PM
## Action Items
| Action | Owner | Status |
|---|---|---|
o>| Add a probe | ann | TODO |

o>| Add a second probe | ann | TODO |
""",
    "tables and lists inside lists": """\
# PM
## Action items
1. Storage:

   | Action | Owner |
   |---|---|
o>   | Move it | ann |

2. Network:
o>   - Replace the switch
""",
    "front matter": """\
---
title: Queue outage
severity: sev2
actions: [A-1]
---
# Queue outage
## Tasks
o>- [ ] Add a probe
""",
    "front matter and CRLF": "---\r\nkey: value\r\n---\r\n# T\r\n## Tasks\r\no>- Add it\r\n",
    "Chinese": """\
# 事故
## 根因
- 磁盘满了
## 后续行动
o>- [ ] 增加告警
## 经验教训
- 不要这样
""",
}
