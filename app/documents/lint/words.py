"""The vocabulary of the rules, written as `app.documents.words` writes its own: lower case, no accents."""

from __future__ import annotations

from app.documents.keys import KEYS
from app.documents.text import words_of

TIMELINE = words_of(
    """timeline, time line, chronology, chronologie, chronological, sequence of events, order of events, deroule,
    cronologia, linea de tiempo, zeitleiste, zeitachse, zeitlicher ablauf, linha do tempo, タイムライン, 時系列, 経緯,
    时间线"""
)

# What every post-mortem has, whatever its format calls it. Actions are recognised as the parser does.
SECTIONS = {
    "summary": words_of(
        """summary, overview, abstract, synopsis, tl;dr, tldr, what happened, in short, context, resume, contexte,
        resumen, zusammenfassung, resumo, riepilogo, 概要, サマリー, 要約, 摘要, description, symptom, symptoms,
        incident"""
    ),
    "impact": words_of(
        """impact, impacts, impacted, affected, blast radius, consequences, damage, symptom, symptoms, scope, impacto,
        auswirkung, auswirkungen, impatto, 影響"""
    ),
    "timeline": TIMELINE,
    "root cause": words_of(
        """root cause, root causes, cause, causes, rca, five whys, 5 whys, why it happened, why this happened,
        what broke, what went wrong, contributing factors, diagnosis, underlying problem, causa, causas, ursache,
        ursachen, grundursache, 原因, 真因, 根因"""
    ),
    "lessons": words_of(
        """lesson, lessons, lessons learned, lessons learnt, learnings, takeaway, takeaways, went well, what went,
        got lucky, retrospective, lecon, lecons, enseignements, lecciones, erkenntnisse, licoes, lezioni, 教訓, 学び,
        うまくいった, 振り返り, 教训"""
    ),
}

REVIEW = KEYS["review"]

TIME_COLUMNS = words_of("time, times, timestamp, when, date, hour, heure, hora, uhrzeit, zeit, 時刻, 時間, 日時, 时间")
SOURCE_COLUMNS = words_of(
    """source, sources, evidence, reference, references, proof, where from, log, link, links, preuve, quelle,
    fuente, 出典, 根拠, 情報源, ソース, 来源"""
)

BEGINS = words_of(
    """start, starts, started, begin, begins, began, first, onset, deployed, triggered, trigger, introduced, fails,
    failing, down, outage, debut, commence, declenche, 発生, 開始, 起源, トリガー"""
)
DETECTS = words_of(
    """detected, detects, detection, alert, alerts, alerted, paged, page, pages, noticed, notices, reported, reports,
    discovered, discovers, observed, spotted, complains, complained, investigation starts, investigation begins,
    detecte, signale, remarque, alerte, 検知, 検出, 発見, 気付, 報告"""
)
MITIGATES = words_of(
    """mitigated, mitigation, mitigates, rollback, rolled back, revert, reverted, workaround, hotfix, hot fix,
    failover, contained, stabilised, stabilized, restarted, contourne, contournement, 緩和, 暫定対応, 緊急復旧"""
)
RESOLVES = words_of(
    """resolved, resolves, recovered, recovers, restored, recovery complete, back to normal, healthy, green, fixed,
    closed, stable, all clear, retabli, retablie, resolu, operationnel, 復旧, 解決, 収束"""
)

VAGUE_VERBS = words_of(
    """improve, enhance, better, strengthen, increase, optimise, optimize, review, consider, think, look, investigate,
    discuss, be, pay, raise, rethink, revisit, reconsider, explore, have, do, make, more, try, ensure, educate, train,
    remember, add, fix, update, change, create, implement, set, ameliorer, renforcer, reflechir, revoir, envisager"""
).words
VAGUE_OBJECTS = words_of(
    """monitoring, alerting, alerts, observability, testing, tests, test, coverage, documentation, docs, process,
    processes, procedure, procedures, communication, awareness, reliability, resilience, robustness, stability,
    performance, security, quality, visibility, training, team, everyone, people, code, system, systems,
    infrastructure, things, stuff, situation, attention, care, careful, carefully, future, next, time, more,
    better, overall, general, in, our, the, of, and, to, into, this, it, about, at, sure, with, on, for, by,
    happen, again, doesn't, does, not, never, handling, error, errors, deployment, deployments, deploy, ci,
    incident, incidents, response, review, reviews, changes, backups, backup, capacity, planning, culture, practices,
    monitor, generally, la, le, les, surveillance, supervision, tester"""
).words
VAGUE_JAPANESE = words_of("気をつける, 注意する, 意識する, 徹底する, 監視を強化, 監視強化, 周知徹底, 再発防止に努める")
