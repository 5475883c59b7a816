"""Remarks in words that tell who must not be mailed are seen in nine languages, and others stay remarks."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine

from subscribers.csv.columns import SUSPECT, field_of
from subscribers.csv.importing import ImportReport, ImportRules, import_csv
from subscribers.csv.remarks import holds_a_stop
from subscribers.csv.standing import may_tell
from subscribers.database import metadata
from subscribers.errors import BadFile
from subscribers.facets import KnownFacets
from tests.counts import table

STOPS = """
deceased; Deceased 2021; died in March; † 2020; Do not contact; pls dont email; gone away; moved 03/2019
moved to Leeds
please remove; asked to be taken off; wants no more emails; has left; left the council; R.I.P.; No emails please
no longer at this address; GDPR erasure request; unsubscribe requested
Opted-out by phone; address bounces
verstorben; Verstorben am 12.3.2020; unbekannt verzogen; bitte nicht mehr anschreiben; möchte keinen Newsletter
Widerruf vom 3.4.; aus dem Amt ausgeschieden; Einwilligung widerrufen; keine Mails; décédée en 2020; Décédé(e)
ne pas contacter; ne souhaite plus recevoir; NPAI; a déménagé; plus de mails; fallecido; no enviar correos; se mudó
solicita la baja; ya no trabaja aquí; overleden; niet meer mailen; geen nieuwsbrief; verhuisd; uit dienst
wedi marw; peidiwch â chysylltu; dim e-byst; wedi symud; ddim eisiau; deceduto; non contattare; trasferito
non più interessato; zmarł; nie kontaktować się; brak zgody; wyprowadził się; falecido; não contactar; mudou-se
pediu para remover
come off our mailing list; she asked to come off the list; does not want to hear from us; wants nothing from this town
wants nothing from us; leave her alone; withdrew from all lists; requested that we stop; told us to stop
not at the council any more; isn't with us any more; letters returned; mail came back; post only; wants paper only
fed up
hates newsletters; too many emails
"""
REMARKS = """
met at the conference; chair of the housing committee; prefers phone; Complaints officer; Refuse collection manager
Leader of the Opposition; Leaving care team; spoke about blocked drains; the council's left wing; former mayor of York
objected to the planning application; drop in centre; don't forget his birthday; asked to stop by; N/A; Plus; VIP
out of office until May; retired head teacher; asked how to join; wants the weekly letter; reads every letter
works with us
imported 2019; contact by email; Mortlake; Todmorden; Date of birth
Kontakt über Frau Müller; getroffen auf der Tagung; rencontré au congrès; directeur général; concejal de vivienda
ontmoet op congres; cyfarfod yn y gynhadledd; dim ond Cymraeg; incontrato al convegno; poznany na konferencji
"""


def _remarks(text: str) -> list[str]:
    return [remark.strip() for remark in text.replace("\n", ";").split(";") if remark.strip()]


def test_a_remark_that_may_ask_for_no_mail_is_seen_and_another_is_none() -> None:
    assert [remark for remark in _remarks(STOPS) if not may_tell(remark)] == []
    assert [remark for remark in _remarks(REMARKS) if may_tell(remark)] == []
    names = ["Deceased", "goneAway", "date_of_death", "Verstorben", "Moved", "no_mail", "décédé", "Kein Kontakt"]
    assert [name for name in names if field_of(name.lower(), name) != SUSPECT] == []
    assert not any(field_of(name.lower(), name) for name in ("Remark", "Job title", "Member since", "Ort", "Tags"))


def _load(data: str, **columns: str) -> ImportReport:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    rules = ImportRules(KnownFacets({}, {}, {}), ("weekly",), "weekly", b"s" * 32, columns=columns)
    with engine.begin() as conn:
        return import_csv(conn, io.BytesIO(data.encode()), rules, now=datetime(2026, 11, 20, tzinfo=UTC))


def test_such_a_remark_refuses_the_file_and_in_a_name_the_row() -> None:
    with pytest.raises(BadFile, match=r"line 2: column 'remark' holds 'met at the conf.*--map \"remark=FIELD\""):
        _load("email,Remark\na@x.example,met at the conference\nb@x.example,verstorben\n")
    assert _load("email,Remark\na@x.example,moved\n", remark="ignore").added == 1
    # By the operator's word, and in a tool's own column of notes, such a row alone is refused.
    report = _load("email,Remark\na@x.example,met at the conference\nb@x.example,verstorben\n", remark="remark")
    assert (report.added, report.refused, "column 'remark'" in str(report.problems[0])) == (1, 1, True)
    report = _load("Email Address,OPTIN_TIME,MEMBER_RATING,NOTES\na@x.example,2024-01-02 03:04:05,2,gone away\n")
    assert (report.added, report.refused) == (0, 1)
    assert _load("email,Remark,state\na@x.example,verstorben,left\n").added == 1
    report = _load("email,name\na@x.example,Ann Ash (deceased)\nb@x.example,Bob\n")
    assert (report.added, report.refused) == (1, 1)
    assert "may tell that they must not be mailed; take those words out" in str(report.problems[0])


@table(
    "name, stop",
    [
        ("zz LEFT zz", True), ("Ann LEFT Ash", True), ("(left) Ann Ash", True), ("Ann Ash - gone away", True),
        ("xx Bob", True), ("Ann Ash, left", True), ("Mort Left", False), ("Jo Gone", False), ("ANN LEFT", False),
        ("Xu Zz", False), ("Left-Ash, Ann", False),
    ],
)  # fmt: skip
def test_a_word_that_may_be_a_name_counts_where_it_is_set_off(name: str, stop: bool) -> None:
    assert holds_a_stop(name) is stop
