"""Marked documents: lists, boxes, headings and prose, as people write them."""

from __future__ import annotations

STYLES = {
    "the seed's table": """\
# Post-Mortem: NFS

## Prevention Plan

| Priority | Action | Type | Details | Status |
|----------|--------|------|---------|--------|
o>| P1 | Add alert | Alert | x | TODO |
d>| P2 | Pin the chart | Config | x | Done |
o>| P2 | Move Vault | Migration | x | TODO |

## Follow-up Implementation

| Date | Action | Priority | Type | Commit | Implemented By |
|------|--------|----------|------|--------|----------------|
| 2026-04-14 | Pin the chart | P2 | Config | abc1234 | postmortem-todo-resolver |
""",
    "the legacy table": """\
# Post-Mortem

## Action Items

| Action | Status | Details |
|---|---|---|
o>| Drop the old PVC | TODO | later |
d>| Restart the node | ✅ Done | |
""",
    "columns in another order, French": """\
# Post-mortem
## Actions correctives
| Statut | Responsable | Action | Échéance | Priorité |
|---|---|---|---|---|
o>| À faire | Zoé | Ajouter une alerte | 2026-05-01 | Haute |
d>| ✅ Fait (PR #1) | Zoé | Réduire la limite | 2026-05-01 | Basse |
o>| En cours | Zoé | Documenter la procédure | 2026-05-01 | Basse |
""",
    "Japanese": """\
# 障害報告
## 再発防止策
| # | アクション | 担当 | 期限 | 状態 |
|---|---|---|---|---|
o>| 1 | アラートを追加 | 田中 | 2026-05-01 | 未着手 |
d>| 2 | メモリ上限を設定 | 田中 | 2026-05-01 | **完了** |
o>| 3 | 手順書を作成 | 田中 | 2026-05-01 | 対応中 |
""",
    "headings numbered, with emoji, upper case, setext, deep": """\
Incident 12
===========

ACTION ITEMS
------------

o>- Add a probe

## 🛠️ 6) Next Steps:

o>* Write the runbook

#### IV. Long-term improvements

o>1. Replicate the database
""",
    "no heading at all, the header says it": """\
| Task | Owner | Due | State |
|---|---|---|---|
o>| Add a probe | @ann | 2026-06-01 | open |
d>| Fix the mount | @bob | 2026-06-01 | closed |
""",
    "boxes of every kind": """\
# PM
## Follow-ups
o>- [ ] Open
d>- [x] Done
d>* [X] Done too
o>1. [ ] Numbered
u>- [-] Given up or moved
u>- [~] Half way
d>- [ ] ~~Struck~~
   - detail that is no item
o>- [ ] Parent
o>  - [ ] Child
d>  - [x] Other child
- [ ]
""",
    "box outside an action section": """\
# PM
## Mitigation
Text.
o>- [ ] Someone has to raise the quota
""",
    "plain list, groups and remarks": """\
# PM
## Action items
- Monitoring:
o>  - Alert on lag
o>  - Dashboard for lag
o>- Move the cron job so that
  it does not run at midnight
  - a detail
d>- Rotate the key
  - This has been done: 2026-02-02
d>- Restore backups (DONE)
d>- ~~Rename the bucket~~
d>- Raised the limit to 4 Gi
d>- ✅ Tell the users
o>- Fix #12 (open)
o>- Upgrade the broker — deferred
d>- Upgrade the proxy — done in #14
d>- Upgrade the cache – Bob – **DONE**
d>- 証明書を更新する。完了: 2026-04-16
o>1. **Database schema validation**
   - of every query
- none
""",
    "status in headings": """\
# PM
## Remediation (Applied)
d>- Restart everything
## Remediation (Pending)
o>- Automate the restart
## Prevention — all landed in this change
| Cause | Fix |
|---|---|
d>| Version split | Tag pinned |
## Corrective actions implemented
d>- New limits everywhere
### Alerting (DEFERRED)
o>- Alert on restarts
## Completed action items
d>- Announce it
""",
    "lessons mixed with follow-ups": """\
# PM
## Lessons / follow-ups
- The probe was blind: it saw 200 all the time.
o>  **Action (open):** assert on the page's text.
- Identity and proxies do not mix.
o>- Add a test for the header.
""",
    "prose": """\
# PM
## Addendum
o>Left open: the second user still has the old unit file.

## Root cause
Because of a typo. Still running.

o>**TODO:** add a linter for it.

## Follow-ups
o>**Add a probe.** The page must be fetched from outside.

o>**2. Document the restart.** In the runbook.
""",
    "headings that are items": """\
# PM
## Recommended fixes
d>### 1. Surface the real error (DONE)
It printed nothing.
o>### 2. Pin the provider
We have to.
### 3. Long-term fix (DEFERRED)
o>- Upgrade the controller
""",
    "headings with fields": """\
# PM
## Action Items
o>### AI-1: Add an alert on queue depth
- **Owner:** ann
- **Due:** 2026-07-01
- **Status:** Open
d>### AI-2: Raise the limit
- Owner: bob
- Status: Done
""",
    "items with fields": """\
# PM
## Action Items
d>1. **Add an alert**
   - Owner: ann
   - Status: done
o>2. **Write a runbook**
   - Owner: bob
   - Due: 2026-07-01
""",
    "bold lines for headings": """\
# PM
**Timeline**

- 10:00 it broke
- 10:10 it was fixed

**Action items**

As agreed in the review.

o>- Add a probe

**Action taken:**

1. Restarted it
2. Looked at it
""",
}
