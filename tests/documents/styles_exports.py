"""Marked documents: what tools export, and habits from other tools and languages."""

from __future__ import annotations

STYLES = {
    "AsciiDoc and wiki headings": """\
= Outage of the registry

== Timeline ==

* 10:00 Add of the key failed

== Action items ==

o>* Add a probe to the registry
o>* [ ] Pin the chart
d>* [x] Restart it

== Lessons

* Probes help
""",
    "Confluence export": """\
# 2026-02-11 Postmortem: Login down

| **Owner** | [Jane Doe](https://wiki.example.test/~jane) |
|---|---|
| **Priority** | High |

## Corrective actions

| **Action**<br/> | **Owner** | **Ticket** | **Status** |
| --- | --- | --- | --- |
o>| Add a replica<br/>to the login | [Jane Doe](https://wiki.test/~jane) | [OPS-12](https://jira.test/OPS-12) | TO DO |
d>| Raise the limit of memory | @joe | OPS-13 | DONE |
o>| Page on 5xx of the login | | OPS-14 | IN REVIEW |

## Backlog check

There was nothing in the backlog.

## Follow-up tasks

| **Issue** | **Owner** | **Action items** | **Documentation** |
| --- | --- | --- | --- |
o>| OPS-20 | @joe | Write the runbook of the login | |
""",
    "Notion export": """\
# Queue outage

Date: January 5, 2026
Status: In progress
Owner: Jane

## What happened

- The queue stopped.

## Action items

o>- [ ]  Tell the users
o>    - [ ]  Alert on the age of the oldest message
d>    - [x]  Raise the quota
""",
    "Google document export": """\
# **Postmortem: search \\#12**

**Date:** 2026\\-01\\-05

## **Action Items**

| Action Item | Type | Owner | Bug |
| :---- | :---- | :---- | :---- |
o>| Alert on p99 \\> 2 s | prevent | ann@ | b/123 |
d>| Roll back release 1\\.2 | mitigate | bob@ | b/124 **DONE** |

### **Follow\\-ups**

o>1\\. Load test the new index
o>2\\. Add a canary to the release
o>* \\[ \\] Cut the size of the index
d>* \\[x\\] Write to the customers
""",
    "emoji status": """\
# PM

## ✅ What we did

- Restarted it

## 🛠 Action items

| Task | Owner | Status |
|---|---|---|
o>| Add a probe | ann | 🟡 In progress |
o>| Move the disk | bob | 🔴 Not started |
d>| Fix the mount | bob | 🟢 |
o>| Check the quota | eve | ⏳ |
d>| Tell the users | eve | ✔️ done |

o>- 🔲 Alert on the quota
d>- ✅ Clean the disk
""",
    "German": """\
# Ausfall der Datenbank

**Datum:** 2026-03-01
**Schweregrad:** SEV2

## Zusammenfassung

- Die Platte war voll.

## Ursache

- Kein Alarm.

## Maßnahmen

| Maßnahme | Verantwortlich | Fällig bis | Status |
|---|---|---|---|
o>| Alarm bei 80 % anlegen | Anna | 2026-03-10 | Offen |
o>| Platte vergrößern | Bernd | 2026-03-12 | In Arbeit |
d>| Logs löschen | Bernd | 2026-03-02 | Erledigt |

## Nächste Schritte

o>- Ablauf dokumentieren

## Was gut lief

- Alle waren schnell da.
""",
    "Spanish": """\
# Caída del registro

## Causa raíz

- El certificado caducó.

## Acciones correctivas

| Acción | Responsable | Fecha límite | Estado |
|---|---|---|---|
o>| Renovar el certificado cada mes | Ana | 2026-04-01 | Pendiente |
o>| Avisar 30 días antes | Luis | 2026-04-02 | En curso |
d>| Reiniciar el registro | Luis | 2026-03-02 | Hecho |

## Tareas pendientes

o>- [ ] Documentar el proceso

## Lecciones aprendidas

- Los certificados caducan.
""",
    "Portuguese, Italian and Dutch": """\
# Falha

## Ações

| Ação | Responsável | Prazo | Status |
|---|---|---|---|
o>| Criar alerta | Rui | 2026-05-01 | Em andamento |
d>| Reiniciar | Rui | 2026-05-01 | Concluído |

## Azioni correttive

| Azione | Responsabile | Scadenza | Stato |
|---|---|---|---|
o>| Aggiungere un allarme | Ugo | 2026-05-01 | Da fare |
d>| Riavviare | Ugo | 2026-05-01 | Completato |

## Actiepunten

| Actie | Eigenaar | Deadline | Status |
|---|---|---|---|
o>| Alarm toevoegen | Jan | 2026-05-01 | Open |
d>| Herstarten | Jan | 2026-05-01 | Klaar |
""",
    "nested lists with owners": """\
# PM

## Action items

1. Monitoring
o>   1. Alert on the disk (@ann, due 2026-05-01)
o>   2. Dashboard for the quota (@bob)
2. Process
o>   - Write the runbook
     - Owner: Eve
     - Due: 2026-06-01
d>   - Tell the team -- done
""",
    "action, owner and due as lines": """\
# PM

## Corrective Actions

o>**Action:** Alert on the disk
**Owner:** Ann
**Due:** 2026-05-01

o>**Action:** Pin the chart
**Owner:** Bob
**Status:** Open

d>**Action:** Fix the mount
**Owner:** Bob
**Status:** Done

o>- Action: Add a probe
  Owner: Eve
  Due: 2026-05-02
o>- **Action 2:** Load test the index
  - **Owner:** Eve
  - **Due:** 2026-05-03
""",
    "action, owner and due as bullets": """\
# PM

## Action items

o>- **Action**: Alert on the disk
- **Owner**: Ann
- **Due**: 2026-05-01

o>- **Action**: Pin the chart
- **Owner**: Bob
- **Due**: 2026-05-02
""",
    "a table for each team": """\
# PM

## Action Items

### Platform team

| ID | Action | Owner | Due | Status |
|----|--------|-------|-----|--------|
o>| P-1 | Alert on the disk | Ann | 2026-05-01 | Open |

### Database team

| ID | Action | Owner | Due | Status |
|----|--------|-------|-----|--------|
o>| D-1 | Add a replica | Bob | 2026-05-01 | Open |
d>| D-2 | Restart it | Bob | 2026-05-01 | Closed |

**Network team**

| ID | Action | Owner | Due | Status |
|----|--------|-------|-----|--------|
o>| N-1 | Replace the switch | Eve | 2026-05-01 | Not Started |
""",
    "five whys with corrective actions": """\
# PM

## Root Cause Analysis (5 Whys)

| # | Why? | Answer | Corrective action |
|---|---|---|---|
| 1 | Why did it stop? | The disk was full | |

1. Why did it stop? The disk was full.
2. Why was it full? Nobody saw it.

## Corrective and Preventive Actions (CAPA)

| No. | Why it addresses | Corrective Action | Responsible | Target Date |
|---|---|---|---|---|
o>| 1 | Why 1 | Alert on the disk | Ann | 2026-05-01 |
o>| 2 | Why 2 | Rotate the logs | Bob | 2026-05-01 |
""",
    "a template that asks for tickets": """\
# PM

## Overview

The search was slow.

## What Went Well?

- The alert.

## What Didn't Go So Well?

- The runbook.

## Action Items

> Each item is a ticket.

o>- [OPS-1](https://jira.example.test/browse/OPS-1): alert on the disk
o>- OPS-2 - Add a replica
d>- ~~OPS-3 - Restart it~~

## Messaging

### Internal Email

- We are sorry.
""",
    "items by kind": """\
# PM

## Action items

**Prevent**

o>* Validate the config in CI
o>* Stage the rollout

**Detect**

o>* Alert on the error rate

**Mitigate**

d>* Rolled back the release

## Supporting information

* Graphs
""",
    "pipes for boxes and statuses at the front": """\
# PM

## Follow-ups

| ☐ | Action | Who |
|---|---|---|
o>| ☐ | Alert on the disk | ann |
d>| ☑ | Restart it | bob |

o>- **[OPEN]** Pin the chart
d>- **[DONE]** Fix the mount
o>- (P1) Add a probe (owner: Ann, due: 2026-05-01)
d>- (Completed) Tell the users
""",
    "what is done in headings": """\
# PM

## Action items

o>### 1. Alert on the certificate
Priority: High
Owner: ann
Three weeks before its end.

d>### 2. Renew the certificate ✅
Owner: bob

## Actions correctives

### Immédiates (faites)

d>- Redémarrage du pod

### À venir

o>- Ajouter un test

## 再発防止策

### 短期対策

o>- アラートの閾値を見直す

### 対応済み

d>- 再起動した
""",
    "keycaps and questions": """\
# PM

## What we're changing

o>1️⃣ Alert on the lag
o>2️⃣ Pin the chart

## What are we going to do so that it does not happen again?

o>- Check the chart in CI

## How did we mend it?

- Restarted the pod
""",
    "an HTML table": """\
# PM

## Action items

<table>
  <thead>
    <tr><th>Action</th><th>Type</th><th>Owner</th><th>Status</th></tr>
  </thead>
  <tbody>
o>    <tr>
      <td><p>Alert on the <b>lag</b></p></td><td>Alert</td>
      <td>ann</td><td>TODO</td>
    </tr>
d>    <tr><td>Restart it</td><td>Config</td><td>bob</td><td>Done</td></tr>
  </tbody>
</table>

## Timeline

<table>
<tr><th>Time</th><th>Action</th></tr>
<tr><td>10:00</td><td>Restarted it</td></tr>
</table>
""",
}
