"""What people call things: headings, columns, statuses and priorities in English, French, Japanese and some others.

Every word is written as `text.fold` leaves it: lower case, no accents, plain quotes and hyphens; a blank in a word also
matches a hyphen. The lists hold the general vocabulary of incident reports, never the wording of one document.
"""

from __future__ import annotations

from app.documents.text import words_of

# Headings under which lists and tables are work to be done.
ACTION_HEADINGS = words_of(
    """action, actions, action item, action items, action plan, action plans, action point, action points,
    capa, action list, action tracker, plan of action, corrective measure, corrective measures,
    prevention, preventions, prevention plan, preventive, preventative, prevention measures,
    preventive measure, preventive measures, preventative measures, follow up, follow ups, followup,
    followups, follow up work, follow up items, follow up tasks, follow up tickets, follow up issues,
    follow up plan, follow up item, next step, next steps, to do, to dos, todo, todos, to do list,
    todo list, remediation, remediations, remediation plan, remediation items, remediation steps,
    recommendation, recommendations, recommended changes, recommended fixes, recommended steps,
    improvement, improvements, improvement plan, task, tasks, task list, work item, work items,
    open item, open items, outstanding, outstanding work, outstanding items, open work, remaining work,
    remaining items, remaining, future work, future prevention, backlog, hardening, countermeasure,
    countermeasures, safeguards, long term fix, long term fixes, long term solution, permanent fixes,
    going forward, tickets, planned work, planned changes, proposed changes, proposed fixes,
    deliverables, fixes needed, needed fixes, work to do, still to do, still open, left open,
    plan d'action, plan d'actions, mesure, mesures, prochaine etape, prochaines etapes, suivi, suivis,
    a faire, reste a faire, recommandation, recommandations, amelioration, ameliorations, tache, taches,
    pistes d'amelioration, acciones, proximos pasos, massnahme, massnahmen, nachste schritte, acoes,
    proximos passos, azioni, アクション, 再発防止, 対応事項, 対応項目, 今後の対応, 今後の課題,
    今後の対策, 改善策, 改善項目, 恒久対応, 恒久対策, フォローアップ, 残課題, 残タスク, 次のステップ,
    やること, 予防策, 是正措置, 対策, 行动项, 行动计划, 改进措施, 改进项, 后续行动, 后续步骤, 后续计划,
    预防, 待办, suggestions, future considerations, future steps, long term solutions,
    long term mitigation, long term mitigations, mitigation plan, prevention strategies,
    prevention steps, preventive steps, preventative steps, preventive controls, pending, pending work,
    pending items, deferred, deferred work, deferred items, not done, what is left, what's left,
    what remains, loose ends, unresolved items, follow on work, follow on actions, tickets filed,
    issues filed, issues to file, tracked work, required changes, changes to make, systemic controls,
    points d'action, offene punkte, folgemassnahmen, acciones pendientes, acoes corretivas,
    azioni correttive, aufgaben, offene aufgaben, folgeaktionen, verbesserungen, vorbeugung,
    korrekturmassnahmen, praventivmassnahmen, tareas, tareas pendientes, pendientes, medidas,
    medidas correctivas, medidas preventivas, medidas corretivas, seguimiento, mejoras, melhorias,
    proximas etapas, tarefas, miglioramenti, prossimi passi, misure correttive, acties, actiepunten,
    vervolgacties, vervolgstappen, volgende stappen, verbeterpunten, maatregelen"""
)

# Phrases that say the same anywhere in a heading.
ACTION_PHRASES = words_of(
    """prevent recurrence, prevent this, preventing recurrence, preventing this, avoid recurrence,
    recurrence prevention, what's next, what is next, what we will do, what we'll do, what will we do,
    what needs to change, what will change, what we are changing, what we're changing, what we plan to do,
    what we are going to do, what we're going to do, what are we doing about it, what are we going to do,
    changes we are making, changes we're making,
    to be done, actions correctives, actions preventives, action corrective, action preventive,
    mesures preventives, mesures correctives, corrective actions, preventive actions,
    preventative actions, action items, follow up actions, actions immediates, actions court terme,
    actions moyen terme, actions long terme, actions futures, actions prioritaires, actions techniques,
    actions requises, actions restantes, actions ouvertes, acciones correctivas, acciones preventivas,
    acciones inmediatas, stop this happening, happening again"""
)

# Turns that make work out of nothing, whatever else the heading says: it is done, it is a record, or it is not ours.
DECOY_TURNS = words_of(
    """taken, performed, executed, we took, follow up implementation, implementation log,
    implementation notes, implementation history, timeline, chronology, chronologie, response actions,
    containment actions, recovery actions, mitigation actions, immediate response, detection gap,
    detection gaps, out of scope, non goals, previous action items, follow up review, review checklist,
    postmortem checklist, post mortem checklist, validation checklist, verification checklist,
    action log, actions log, do not, don't, dos and don'ts, zeitachse, zeitlicher ablauf, cronologia,
    linea de tiempo, linha do tempo, tijdlijn, acciones realizadas, acciones tomadas, タイムライン,
    時系列, 実施済み, 时间线"""
)

# Headings under which nothing is work to be done, unless an action word stands beside these.
DECOY_HEADINGS = words_of(
    """changelog, change log, revision history, document history, history of events, lesson, lessons,
    takeaway, takeaways, lessons learned, lessons learnt, learnings, lecons, lecon, what went,
    went well, went wrong, what worked, what helped, what did not help, got lucky, gaps, gap analysis,
    open question, open questions, metadata, glossary, appendix, annexe, references, reference, related,
    see also, links, raw data, raw investigation data, evidence, sign off, approvals, approval,
    reviewers, participants, attendees, people involved, distribution, summary, executive summary,
    resume, impact, root cause, root causes, cause racine, causes racines, contributing factors,
    contributing factor, trigger, background, checklist, sign offs, glossaire, previous incidents,
    similar incidents, prior incidents, 教训, 经验教训, 根因, 教訓, 学び, 根本原因, 寄与要因,
    メタデータ, サマリー, 影響, 参考資料, 関連リソース, うまくいった, うまくいかなかった, 運が良かった,
    対応の評価, zusammenfassung, ursache, ursachen, grundursache, auswirkung, auswirkungen, was gut lief,
    lehren, erkenntnisse, resumen, causa raiz, impacto, lecciones aprendidas, resumo, licoes aprendidas,
    riepilogo, causa principale, lezioni apprese, samenvatting, oorzaak, geleerde lessen"""
)

# Among those, the ones whose boxes are no work either.
BOXLESS = words_of(
    """checklist, sign off, sign offs, approval, approvals, timeline, impact, reviewers, participants,
    attendees, follow up implementation, severity, タイムライン, 影響"""
)

# Headings that say until when.
HORIZONS = words_of(
    """immediate, immediately, immediate term, short term, near term, medium term, mid term, long term,
    longer term, this week, next week, this month, next month, this quarter, next quarter, this sprint,
    next sprint, today, now, court terme, moyen terme, long terme, immediat, 短期, 中期, 長期, 即時,
    至急"""
)

# Short paragraphs that introduce work ("Left open: ...") wherever they stand.
OPEN_MARKERS = words_of(
    """action (open), open action, action item, action items, action required, todo, to do, follow up,
    follow ups, followup, left open, still open, remains open, still to do, still todo, still not done,
    not done yet, not yet done, outstanding, next step, next steps, remaining work, a faire,
    reste a faire, 残課題, 未対応"""
)

NOT_DONE = words_of(
    """not done, not yet done, not yet, not started, not implemented, not complete, not completed,
    not fixed, not resolved, not applied, not deployed, not merged, not addressed, still not done,
    unresolved, unfixed, undone, incomplete, to be done, to be fixed, to be implemented, to be deployed,
    to be merged, needs to be, non fait, pas fait, pas encore, non commence, non demarre, 未着手,
    nicht begonnen, noch nicht, nicht erledigt, no iniciado, no iniciada, sin empezar, nao iniciado,
    non iniziato, niet gestart, nog niet, 未対応, 未完了, 未実施, 未解決, 未了, 未開始, 未完成, 未开始"""
)
OPEN = words_of(
    """todo, to do, open, opened, pending, planned, plan, in progress, inprogress, wip, ongoing, on going,
    started, blocked, deferred, backlog, backlogged, scheduled, proposed, new, tbd, to be determined,
    tracked, tracking, awaiting, waiting, assigned, in review, under review, reviewing, draft, queued,
    accepted, active, investigating, postponed, on hold, paused, later, next, upcoming, future, filed,
    ready, needed, required, a faire, en cours, en attente, a creer, a planifier, ouvert, ouverte,
    planifie, planifiee, prevu, prevue, bloque, bloquee, reporte, offen, geplant, pendiente, abierto,
    in arbeit, in bearbeitung, laufend, ausstehend, en curso, en progreso, planificado, abierta,
    pendente, aberto, em andamento, em progresso, planejado, da fare, in corso, pianificato, aperto,
    te doen, bezig, gepland, lopend, 対応中, 進行中, 作業中, 検討中, 調査中, 予定, 計画中, 計画, 保留, 継続,
    オープン, 待办, 进行中, 计划中"""
)
ON_HOLD = words_of(
    """deferred, postponed, on hold, blocked, declined, rejected, backlog, parked, won't do, reporte, 保留"""
)
# What a status cell says and nothing else, for it to be replaced.
PLAINLY_OPEN = words_of(
    """todo, to do, open, pending, not started, not done, planned, in progress, wip, backlog, deferred,
    new, a faire, en cours, en attente, ouvert, 未着手, 未対応, 対応中, 進行中, offen, pendiente, pendente,
    en curso, in arbeit, em andamento, da fare, in corso"""
)
POSTPONED = words_of(
    """todo, to do, pending, planned, deferred, postponed, backlog, open, not done, not yet done,
    not implemented, wip, in progress, proposed, not started, tbd, a faire, en attente, en cours,
    未着手, 未対応, 対応中"""
)
DONE = words_of(
    """done, complete, completed, fixed, resolved, closed, merged, shipped, implemented, deployed, landed,
    applied, finished, delivered, released, live, rolled out, addressed, mitigated, verified,
    documented, reverted, removed, updated, won't do, wont do, won't fix, wontfix, cancelled, canceled,
    rejected, dropped, abandoned, obsolete, superseded, duplicate, not needed, no longer needed, n/a,
    not applicable, declined, retired, fait, faite, faits, faites,
    termine, terminee, termines, terminees, merge, mergee, ferme, fermee,
    corrige, corrigee, deploye, deployee, resolu, resolue, livre, annule, applique, appliquee, erledigt,
    abgeschlossen, fertig, behoben, umgesetzt, geschlossen, resuelto, resuelta, cerrado, cerrada,
    completada, resolvido, concluida, completato, completata, risolto, chiuso, klaar, gereed, afgerond,
    opgelost, hecho, completado, terminado, concluido, feito, fatto, 完了, 済み, 済, 対応済,
    実施済, 対応済み, 解決済, 解決済み, クローズ, 中止, 不要, 完成, 已完成, 已解决"""
)
PARTIAL = words_of(
    """partial, partially, partly, needs, need, except, remaining, but, pending, todo, to do, half, mostly,
    in part, only, partiel, partiellement, sauf, reste, 一部, 部分"""
)

PRIORITIES = {
    "P0": words_of(
        """critical, urgent, blocker, highest, immediate, asap, critique, urgente, 緊急, 最優先, 最高, kritisch"""
    ),
    "P1": words_of("high, major, haute, eleve, elevee, forte, must, 高, 大, hoch, alta"),
    "P2": words_of("medium, med, moderate, normal, moyenne, moyen, should, 中, mittel, media"),
    "P3": words_of(
        """low, minor, lowest, trivial, nice to have, optional, basse, faible, could, 低, 小, niedrig, baja"""
    ),
}

TYPES = (
    ("Migration", words_of("migrate, migration, migrating, migrer, switch away, 移行")),
    (
        "Runbook",
        words_of(
            """runbook, run book, playbook, document, documentation, documenter, readme, write down, ランブック,
    手順"""
        ),
    ),
    (
        "Investigation",
        words_of(
            """investigate, investigation, investiguer, audit, evaluate, consider, research, review, root cause,
    analyse, analyze, explore, find out, identify, reconsider, 調査, 棚卸し, 検討, 判断"""
        ),
    ),
    (
        "Monitor",
        words_of(
            """uptime kuma, synthetic, probe, monitor, blackbox, healthcheck monitor, surveiller, canary,
    監視を追加"""
        ),
    ),
    (
        "Alert",
        words_of(
            """alert, alerts, alerting, alerte, alertes, prometheusrule, page on call, notification, notifications,
    アラート"""
        ),
    ),
    (
        "Architecture",
        words_of(
            """architecture, redesign, re-architect, high availability, replication, multi region, replace,
    backup strategy"""
        ),
    ),
    (
        "Config",
        words_of(
            """config, configuration, configure, configurer, limit, limits, limites, timeout, pin, bump, set,
    memory, quota, resources, annotation, affinity, pdb, terraform, helm, values, liveness, readiness,
    threshold, setting, cron, schedule, enable, disable, increase, decrease, rotate, tag, env, 設定,
    導入"""
        ),
    ),
)

# First words of a bullet that tells what was done, and of one that asks for something.
PAST_VERBS = words_of(
    """added, fixed, updated, removed, reverted, restarted, changed, bumped, deployed, merged, created,
    configured, enabled, disabled, increased, decreased, reduced, raised, pinned, implemented, patched,
    upgraded, rolled, replaced, moved, migrated, deleted, rebuilt, ran, wrote, documented, shipped,
    landed, applied, restored, switched, introduced, installed, rewrote, hardened, corrected, adjusted,
    identified, confirmed, verified, cleaned, scaled, ajoute, corrige, supprime, deploye, mis"""
).words
IMPERATIVES = words_of(
    """add, create, implement, write, build, set, configure, enable, disable, document, investigate, audit,
    evaluate, consider, review, update, upgrade, migrate, move, remove, replace, fix, ensure, make,
    improve, introduce, automate, test, verify, monitor, alert, pin, bump, increase, reduce, define,
    establish, schedule, switch, stop, use, require, enforce, extend, explore, look, find, file, open,
    track, ajouter, creer, documenter, configurer, verifier, surveiller, supprimer, remplacer, mettre,
    migrer"""
).words
EMPTY = frozenset(
    [
        "",
        "-",
        "--",
        "---",
        "n/a",
        "na",
        "none",
        "none.",
        "nil",
        "tbd",
        "todo",
        "...",
        "…",
        "なし",
        "aucune",
        "aucun",
        "?",
    ]
)
