"""What people call the columns of their tables and the fields of their items; written as `words` says."""

from __future__ import annotations

from app.documents.text import words_of

# Roles of table columns, by what their headers say.
COLUMNS = {
    "action": words_of(
        """action, actions, action item, action items, task, tasks, todo, to do, corrective action,
    preventive action, preventative action, follow up, followup, remediation, recommendation, work item,
    action corrective, action preventive, tache, mesure, mesure corrective, accion, massnahme, acao,
    azione, aufgabe, aufgaben, tarea, tareas, tarefa, medida, misura, actie, actiepunt, maatregel,
    アクション, アクションアイテム, タスク, 対策, 対応, 対応内容, 施策, やること, 行动, 行动项"""
    ),
    "weak": words_of(
        """fix, item, description, what, change, mitigation, solution, measure, improvement, deliverable,
    title, summary, name, step, prevention, proposal, suggestion, work, issue description, 内容, 項目,
    概要, amelioration, objet, quoi"""
    ),
    "status": words_of(
        """status, state, progress, statut, etat, avancement, estado, stato, ステータス, 状態, 状況, 進捗, 状态"""
    ),
    "ticked": words_of("done, completed, complete, implemented, fait, 完了"),
    "type": words_of(
        """type, kind, category, action type, categorie, typ, tipo, 種別, 種類, 分類, タイプ, カテゴリ,
    カテゴリー, 类型"""
    ),
    "priority": words_of(
        """priority, prio, pri, p, urgency, severity, importance, priorite, prioridad, prioritat, prioridade,
    priorita, prioriteit, dringlichkeit, 優先度,
    優先順位, 重要度"""
    ),
    "owner": words_of(
        """owner, owners, assignee, assigned, assigned to, who, responsible, responsibility, dri, lead, team,
    poc, person, responsable, proprietaire, resp, qui, verantwortlich,
    verantwortliche, verantwortlicher, zustandig, wer, responsavel, responsabile, encargado, quien,
    eigenaar, verantwoordelijke, 担当, 担当者, オーナー, 責任者,
    负责人"""
    ),
    "due": words_of(
        """due, due date, due by, deadline, eta, target, target date, when, by, by when, timeframe, horizon,
    echeance, date limite, delai, quand, frist, fallig, fallig am,
    fallig bis, bis wann, zieldatum, termin, fecha limite, plazo, vencimiento, prazo, data limite,
    scadenza, streefdatum, 期限, 期日, 予定日, 目標, 截止日期"""
    ),
    "details": words_of(
        """details, detail, notes, note, comments, comment, rationale, reason, why, context, description,
    explanation, implementation, remarks, how, commentaire, commentaires, remarque, raison, 詳細, 備考,
    補足, 説明, 理由"""
    ),
    "tracker": words_of(
        """issue, issues, ticket, tickets, link, links, pr, jira, tracking, tracker, bug, bugs, url, ref, bead,
    beads, 関連, lien"""
    ),
    "number": words_of("#, id, no, no., nr, num, number, numero, n°, 番号"),
}
# Headers of tables that tell what happened, not what to do.
LOG_COLUMNS = words_of(
    """time, timestamp, time (utc), heure, hour, event, events, evenement, commit, implemented by,
    detected, 時刻, 時間, イベント, 出来事, hora, uhrzeit"""
)

# Fields that stand in bullets under an item.
FIELDS = {
    "owner": words_of("owner, assignee, assigned to, responsible, dri, who, responsable, 担当, 担当者"),
    "due": words_of("due, due date, deadline, eta, target, target date, when, echeance, 期限, 期日"),
    "status": words_of("status, state, statut, etat, 状態, ステータス, 状态"),
    "priority": words_of("priority, prio, priorite, 優先度"),
    "type": words_of("type, category, kind, 種別"),
    "other": words_of(
        """ticket, issue, tracking, tracker, link, jira, effort, estimate, details, notes, rationale, why, pr,
    how"""
    ),
}
