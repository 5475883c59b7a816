"""List the words in dates: months and weekdays of 33 languages, zones, and words that stand around a date. Data.

Names are those of Unicode CLDR, and those that its patterns lack: Welsh, Irish and Gaelic mutations, genitives, and
abbreviations that are no beginning of their name. Any beginning of three letters is a name too, where all names that
begin so are of one month. Compared as `unaccented` makes them: small letters without accents.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

_OTHER_LETTERS = str.maketrans("łøđıς", "lodiσ")  # Unicode does not take these apart


def unaccented(text: str) -> str:
    """Return a text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in apart if not unicodedata.combining(each)).translate(_OTHER_LETTERS)


def _names(text: str) -> list[str]:
    return text.split()


# A row for each language, January to December; "/" stands between two names of a month.
_MONTHS = """
en january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sep october/oct november/nov december/dec
cy ionawr chwefror mawrth/fawrth/maw ebrill mai/fai mehefin/fehefin gorffennaf/orffennaf/ngorffennaf awst medi/fedi hydref tachwedd/dachwedd/nhachwedd rhagfyr/ragfyr
ga eanáir feabhra/fheabhra márta/mhárta aibreán bealtaine/bhealtaine meitheamh/meithimh/mheithimh/mheitheamh iúil lúnasa meánfómhair/mheánfómhair/mfómh deireadhfómhair/dheireadhfómhair/dfómh samhain/samhna/shamhain nollaig/nollag
gd faoilleach/fhaoilleach gearran/ghearran màrt/mhàrt giblean/ghiblean cèitean/chèitean ògmhios iuchar lùnastal/lùnastail sultain dàmhair/dhàmhair samhain dùbhlachd/dhùbhlachd
fr janvier février mars avril mai juin juillet août septembre octobre novembre décembre
de januar/jänner februar/feber märz/maerz april mai juni juli august september oktober november dezember
es enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre diciembre
pt janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
it gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
nl januari februari maart/mrt april mei juni juli augustus september oktober november december
ca gener febrer març abril maig juny juliol agost/ag setembre octubre novembre desembre
gl xaneiro febreiro marzo abril maio xuño xullo agosto setembro outubro novembro decembro
sv januari februari mars april maj juni juli augusti september oktober november december
da januar februar marts april maj juni juli august september oktober november december
nb januar februar mars april mai juni juli august september oktober november desember
is janúar febrúar mars apríl maí júní júlí ágúst september október nóvember desember
fi tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta marraskuuta joulukuuta
et jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember
lv janvāris/janvārī februāris/februārī marts/martā aprīlis/aprīlī maijs/maijā jūnijs/jūnijā jūlijs/jūlijā augusts/augustā septembris/septembrī oktobris/oktobrī novembris/novembrī decembris/decembrī
lt sausio/sausis vasario/vasaris kovo/kovas balandžio/balandis gegužės birželio/birželis liepos/liepa rugpjūčio/rugpjūtis rugsėjo/rugsėjis spalio/spalis lapkričio/lapkritis gruodžio/gruodis
pl stycznia/styczeń lutego/luty marca/marzec kwietnia/kwiecień maja/maj czerwca/czerwiec lipca/lipiec/lip sierpnia/sierpień września/wrzesień października/październik listopada/listopad/lis grudnia/grudzień
cs ledna/leden února/únor března/březen dubna/duben května/květen června/červen/čvn července/červenec/čvc srpna/srpen září října/říjen listopadu/listopad prosince/prosinec
sk januára/január februára/február marca/marec apríla/apríl mája/máj júna/jún júla/júl augusta septembra októbra/október novembra decembra
sl januarja/januar februarja/februar marca/marec aprila maja/maj junija/junij julija/julij avgusta/avgust septembra oktobra novembra decembra
hr siječnja/siječanj veljače/veljača ožujka/ožujak travnja/travanj svibnja/svibanj lipnja/lipanj srpnja/srpanj kolovoza/kolovoz rujna/rujan - studenoga/studenog/studeni prosinca/prosinac
hu január február március április május június július augusztus szeptember október november december
ro ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
bg януари февруари март април май юни юли август септември октомври ноември декември
el ιανουαρίου/ιανουάριος φεβρουαρίου/φεβρουάριος μαρτίου/μάρτιος απριλίου/απρίλιος μαΐου/μάιος ιουνίου/ιούνιος ιουλίου/ιούλιος αυγούστου/αύγουστος σεπτεμβρίου/σεπτέμβριος οκτωβρίου/οκτώβριος νοεμβρίου/νοέμβριος δεκεμβρίου/δεκέμβριος
tr ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
mt jannar frar marzu april mejju ġunju lulju awwissu settembru ottubru novembru diċembru
ru января/январь февраля/февраль марта/март апреля/апрель мая/май июня/июнь июля/июль августа/август сентября/сентябрь октября/октябрь ноября/ноябрь декабря/декабрь
uk січня/січень лютого/лютий березня/березень квітня/квітень травня/травень червня/червень липня/липень серпня/серпень вересня/вересень жовтня/жовтень листопада/листопад грудня/грудень
"""  # noqa: E501
# Croatian October is the November of Polish and Czech. Croatian and Czech put a full stop after
# the day, Polish never:
# "5. listopada" is October, "5 listopada" November, and "5. listopad" in doubt (0), as "srp" always is.
AFTER_A_STOP = {"listopada": 10, "lip": 6, "listopad": 0, "lis": 0, "srp": 0}
ROMAN = {name: month for month, name in enumerate(_names("i ii iii iv v vi vii viii ix x xi xii"), 1)}
# Monday to Sunday. Any beginning of two letters is a name too, of all days whose names begin so.
_WEEKDAYS = """
en monday tuesday wednesday/weds thursday friday saturday sunday
cy llun/lun mawrth/fawrth mercher/fercher iau gwener/wener sadwrn sul
ga luain/luan máirt céadaoin déardaoin aoine/haoine satharn/sathairn domhnach/domhnaigh
gd diluain dimàirt diciadain diardaoin dihaoine disathairne didòmhnaich
fr lundi mardi mercredi jeudi vendredi samedi dimanche
de montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag
es lunes martes miércoles jueves viernes sábado domingo
pt segunda terça quarta quinta sexta sábado domingo
it lunedì martedì mercoledì giovedì venerdì sabato domenica
nl maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
ca dilluns/dl dimarts/dt dimecres/dc dijous/dj divendres/dv dissabte/ds diumenge/dg
gl luns martes mércores xoves venres sábado domingo
sv måndag tisdag onsdag torsdag fredag lördag söndag
da mandag tirsdag onsdag torsdag fredag lørdag søndag
nn måndag tysdag onsdag torsdag fredag laurdag sundag
is mánudagur þriðjudagur miðvikudagur fimmtudagur föstudagur laugardagur sunnudagur
fi maanantaina tiistaina keskiviikkona torstaina perjantaina lauantaina sunnuntaina
et esmaspäev teisipäev kolmapäev neljapäev reede laupäev pühapäev
lv pirmdiena otrdiena trešdiena ceturtdiena piektdiena sestdiena svētdiena
lt pirmadienis antradienis trečiadienis ketvirtadienis penktadienis šeštadienis sekmadienis
pl poniedziałek/pn wtorek środa czwartek piątek/pt sobota niedziela/nd
cs pondělí úterý středa čtvrtek pátek sobota neděle
sk pondelok utorok streda štvrtok piatok sobota nedeľa
sl ponedeljek torek sreda četrtek petek sobota nedelja
hr ponedjeljak utorak srijeda četvrtak petak subota nedjelja
hu hétfő kedd szerda csütörtök péntek szombat vasárnap
ro luni marți miercuri joi vineri sâmbătă duminică
bg понеделник/пн вторник сряда четвъртък/чт петък/пт събота/сб неделя/нд
el δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή
tr pazartesi/pzt salı çarşamba perşembe cuma cumartesi/cmt pazar
mt tnejn tlieta erbgħa ħamis ġimgħa sibt ħadd
ru понедельник/пн вторник среда четверг/чт пятница/пт суббота/сб воскресенье/вс
uk понеділок/пн вівторок середа четвер/чт п'ятниця/пт субота/сб неділя/нд
"""


def _columns(table: str) -> list[set[str]]:
    """Return the names in each column of a table, those of all rows together."""
    rows = [unaccented(row).split()[1:] for row in table.strip().splitlines()]
    return [{name for names in column for name in names.split("/")} - {"-"} for column in zip(*rows, strict=True)]


def _with_beginnings(columns: list[set[str]], least: int) -> dict[str, set[int]]:
    """Return each name, and each beginning of one, with the numbers of the columns that have it."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for number, names in enumerate(columns):
        for name in names:
            for length in range(min(least, len(name)), len(name) + 1):
                numbers[name[:length]].add(number)
    return numbers


_MONTH_NAMES = _columns(_MONTHS)
_WHOLE = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names}
_BEGINNINGS = _with_beginnings(_MONTH_NAMES, 3)
# A whole name comes first: Dutch "mei" is May, though Irish "Meitheamh" begins so.
MONTHS = {name: min(numbers) + 1 for name, numbers in _BEGINNINGS.items() if len(numbers) == 1} | _WHOLE
WEEKDAYS = {name: frozenset(days) for name, days in _with_beginnings(_columns(_WEEKDAYS), 2).items()}

# The minutes east of Greenwich, or the place whose clocks a name means in summer and in winter.
# IST is Ireland's here,
# because its readers are nearer to Ireland than to India or Israel; EST, CST and MST are those of RFC 5322.
ZONES: dict[str, int | str] = {
    **dict.fromkeys(_names("z gmt utc ut wet tu uct"), 0),
    **dict.fromkeys(_names("bst ist west cet mez met wat"), 60),
    **dict.fromkeys(_names("cest mesz mest eet cat sast"), 120),
    **dict.fromkeys(_names("eest msk trt eat oesz"), 180),
    "pkt": 300, "wib": 420, "hkt": 480, "sgt": 480, "awst": 480, "jst": 540, "kst": 540, "acst": 570, "acdt": 630,
    "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "nst": -210, "ndt": -150, "brt": -180, "ast": -240,
    "adt": -180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420,
    "akst": -540, "akdt": -480, "hst": -600,
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles",
    "uk": "Europe/London",
}  # fmt: skip
ZERO = frozenset(_names("z gmt utc ut tu"))
_LONG = {
    "greenwich mean time": "gmt", "coordinated universal time": "utc", "universal time": "utc",
    "british summer time": "bst", "irish standard time": "ist", "western european summer time": "west",
    "central european summer time": "cest", "central european standard time": "cet", "central european time": "cet",
    "eastern european summer time": "eest", "uk time": "uk", "london time": "uk",
    # Windows calls the zone of London by the first of these, in summer too.
    "gmt standard time": "uk", "gmt daylight time": "bst",
} | {
    f"{place} {kind} time": place[0] + kind[0] + "t"
    for place in ("eastern", "central", "mountain", "pacific", "atlantic") for kind in ("standard", "daylight")
}  # fmt: skip
LONG_ZONES = re.compile("|".join(_LONG))


def short_zone(match: re.Match[str]) -> str:
    """Return the abbreviation of a zone whose name is written out."""
    return _LONG[match[0]]


# Words between the parts of a date, before it and after it, which change nothing.
AROUND = frozenset(
    _names(
        """
    at on the of de del du di da o den dhen an na ta y yr ar am le il el i l is it em en um a as om op alle ore ora
    klo kl uhr uur h hrs hours hour time local dydd nos feira dia dne dnia r roku rok v g m d г р ч
    posted post pubdate date dated created added issued released release updated
    last modified online first submitted cyhoeddwyd postiwyd diweddarwyd dyddiad foilsithe poste mis
    ligne veroffentlicht pubblicato gepubliceerd opublikowano
    udgivet
    julkaistu data fecha datum dato
    """
    )
)


def is_around(word: str) -> bool:
    """Return whether a word may stand around a date: "on", "posted", "Published", "Publicado"."""
    return word in AROUND or word.startswith("publi")


LATER = re.compile(r"\((?:last )?(?:updated?|modified|edited|revised|amended|diweddarwyd)\b[^()]*\)")
