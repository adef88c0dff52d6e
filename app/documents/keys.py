"""What a post-mortem calls the facts that it states about itself, and how it states them in a line.

The words are written as `words` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.documents.text import fold, words_of

LINE_LIMIT = 2000
_BOLD_KEY = re.compile(r"(?:\*\*|__)([^*_:：]{2,60}?)\s?(?:[:：]\s?(?:\*\*|__)|(?:\*\*|__)\s?[:：])")
_PLAIN_KEY = re.compile(r"^[\s>*+-]{0,8}(?:\d{1,3}[.)]\s)?([^\W\d_][^\n*_:：|`]{1,40}?)\s?(?::(?=\s|$)|：)")
_COMMENT = re.compile(r"<!--.{0,500}?-->")

# Keys of `Key: value` lines and two-column tables.
KEYS = {
    "date": words_of(
        """date, incident date, date of incident, date found, date of the incident, date de l'incident,
        date d'incident, datum, fecha, data, 発生日, 日付, 日期"""
    ),
    "severity": words_of(
        """severity, sev, incident severity, severity level, severite, gravite, 重大度, 深刻度, schweregrad,
        severidad"""
    ),
    "duration": words_of(
        """duration, incident duration, total duration, outage duration, duree, duree de l'incident, duracion, dauer,
        durata, duracao, 影響時間, 継続時間, 障害時間"""
    ),
    "ttd": words_of(
        """ttd, mttd, time to detect, time to detection, time to detection (ttd), time to detect (ttd), 検知時間,
        検知までの時間"""
    ),
    "ttm": words_of(
        """ttm, mttm, time to mitigate, time to mitigation, time to mitigation (ttm), time to mitigate (ttm)"""
    ),
    "ttr": words_of(
        """ttr, mttr, time to resolve, time to resolution, time to recover, time to recovery, time to restore,
        time to resolution (ttr), time to resolve (ttr), time to recovery (ttr), 復旧時間, 復旧までの時間"""
    ),
    "reported": words_of(
        """reported on, report date, date of report, date of the report, written, written on, published, published on,
        publication date, post-mortem date, postmortem date, date of post-mortem, created, report written, authored,
        redige le, publie le, 作成日, 公開日"""
    ),
    "review": words_of(
        """follow-up review, follow up review, followup review, review date, date of the review, date of review,
        next review, review on, review due, follow-up review date, follow-up date, follow-up meeting,
        scheduled review, reviewed again, revue de suivi, prochaine revue, レビュー予定日, フォローアップレビュー"""
    ),
    "people": words_of(
        """author, authors, written by, owner, owners, incident lead, incident commander, commander, ic, lead,
        incident manager, scribe, facilitator, participants, responders, responder, on-call, on-call engineer, oncall,
        reviewers, reviewed by, attendees, people involved, contributors, reporter, reported by, handled by,
        resolved by, dri, auteur, auteurs, redacteur, responsable, autor, autores, autoren, verfasser,
        beteiligte, participantes,
        作成者, 担当者, 参加者, 対応者"""
    ),
    "status": words_of(
        """status, state, document status, doc status, incident status, report status, post-mortem status,
        postmortem status, statut, etat, estado, stato, ステータス, 状態, 状态"""
    ),
    "services": words_of(
        """services, service, affected services, affected service, affected service(s), services affected,
        impacted services, services impacted, affected systems, systems affected, impacted systems, affected components,
        components affected, components, systems, affected, services touches, services affectes, services impactes,
        betroffene dienste, betroffene systeme, servicios afectados, sistemas afectados, servizi interessati,
        servicos afetados, 影響サービス, 影響を受けたサービス, 対象サービス, 影響システム, 受影响服务"""
    ),
}
# When the incident began, by keys that tell more than a date: read for it, but not held to its spelling.
BEGAN = words_of("when, started, start, start time, occurred, 発生日時, 日時, 影響期間")
_KINDS = {word.replace("-", " "): kind for kind in reversed(KEYS) for word in KEYS[kind].words}


def kind_of(key: str) -> str | None:
    """Which of the facts a key names."""
    return _KINDS.get(fold(key).strip(" :：*_").replace("-", " "))


def keys_in(line: str) -> Iterator[tuple[str, int, str]]:
    """The keys of a line, each with where its value starts and the value: bold ones anywhere, a plain one in front."""
    if ":" not in line and "：" not in line:
        return
    line = line[:LINE_LIMIT]
    found = list(_BOLD_KEY.finditer(line)) if "**" in line or "__" in line else []
    if not found and (m := _PLAIN_KEY.match(line)):
        found = [m]
    for index, m in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(line)
        rest = line[m.end() : end]
        value = without_comments(rest).strip(" \t|·\\")
        yield m.group(1), m.end() + (rest.find(value) if value else 0), value


def without_comments(text: str) -> str:
    """The text without its HTML comments of up to 500 characters."""
    return _COMMENT.sub("", text) if "<!--" in text else text
