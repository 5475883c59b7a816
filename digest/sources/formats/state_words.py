"""List the words by which authors and publishing tools say that, and from or until when, a text is not for readers.

Keys and values are compared as `plain_key` makes them: without case, spaces and punctuation. A key that may hold
something else as well stands in a set whose name ends in `_ONLY`: of its values only a yes, a no or a date counts.
"""

from __future__ import annotations

import re
import unicodedata

from subscribers.invisible import without_invisible


def plain_key(value: object) -> str:
    """Return a key or a value without case, width, spaces and punctuation; "" for a list, a table or a date."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int)):
        return ""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", without_invisible(str(value)[:200])).casefold())


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


YES = _set(
    """
    true yes on 1 y t ja oui si ie oes ydy ydw gwir
    """
)
NO = _set(
    """
    false no off 0 n f never none nein non na nage ffug nacydy
    """
)
# Keys whose "yes" means that a text is not for readers, and those whose "no" means it.
UNRELEASED_IF_YES = _set(
    """
    draft drafts isdraft draftmode draftonly drafft unpublished isunpublished hidden ishidden hide private isprivate
    preifat unlisted isunlisted archived isarchived deleted isdeleted trashed withdrawn iswithdrawn retracted disabled
    confidential internal internalonly officialsensitive wip workinprogress unfinished incomplete pending ispending
    embargo embargoed isembargoed expired isexpired scheduled eleventyexcludefromcollections excludefromcollections
    headless membersonly staffonly previewonly comingsoon onhold
    """
)
UNRELEASED_IF_NO = _set(
    """
    published ispublished publish public ispublic visible isvisible released isreleased live islive approved
    isapproved listed enabled isenabled online available routable discoverable readytopublish ready isready
    readyforpublication finished isfinished final isfinal signedoff cleared golive cyhoeddwyd cyhoeddi buildlist
    buildrender
    """
)
UNRELEASED_IF_YES_ONLY = _set(
    """
    skip exclude excluded ignore ignored omit omitted suppress suppressed hold held withhold withheld blocked locked
    sensitive restricted secret protected removed remove trash bin superseded obsolete deprecated placeholder dummy
    stub staging todo test istest future upcoming loginrequired requireslogin authrequired paywall paywalled revoked
    review legalhold offline suspended inactive noshow internaluse forinternaluse entwurf brouillon borrador bozza
    """
)
UNRELEASED_IF_NO_ONLY = _set(
    """
    permalink render active isactive valid isvalid checked reviewed isreviewed complete completed iscomplete done
    newsletter innewsletter digest indigest email inemail sendemail mail send rss inrss feed infeed infeeds syndicate
    show shown showinfeed display mailout finalised finalized proofread qapassed consentgiven hasconsent
    permissiongiven embargolifted release releases accepted passed passedreview fit fitforpublication publishable
    """
)
# Keys that are set only for a text which is not for readers, or which another one replaces.
UNRELEASED_IF_SET = _set(
    """
    password postpassword pagepassword supersededby replacedby redirectto withdrawnbecause withdrawnreason
    retractionreason
    """
)
# Keys that hold the state in a word.
STATES = _set(
    """
    status state poststatus pagestatus articlestatus contentstatus entrystatus documentstatus workflow workflowstate
    workflowstatus publishstatus publishingstatus publicationstatus publishstate publicationstate moderationstate
    moderationstatus reviewstate reviewstatus reviewstage editorialstatus approvalstatus visibility statws
    """
)
UNRELEASED = _set(
    """
    draft drafts drafft autodraft unpublished notpublished private hidden unlisted pending pendingreview future
    scheduled inreview underreview review forreview toreview needsreview awaitingreview awaitingapproval needsapproval
    awaitingsignoff awaitingclearance withcomms inprogress wip workinprogress unfinished incomplete embargoed embargo
    underembargo archived archive deleted trash trashed withdrawn retracted rejected declined revoked expired removed
    internal internalonly confidential restricted members membersonly staffonly paid tiers password protected
    passwordprotected inherit blocked inactive disabled offline onhold held idea todo outline staged staging queued
    delayed skip new submitted unapproved notapproved notready notpublic notfinal superseded cancelled canceled
    refused intranet nobody noone tobeconfirmed tbc tbd tba awaiting outstanding required needed due open requested
    preifat notforpublication donotpublish
    """
)
RELEASED = _set(
    """
    published publish public publicly live final finalised finalized done complete completed released approved
    ready active open visible current featured online posted accepted listed everyone all world anyone enabled
    signedoff cleared cyhoeddwyd
    """
)
# Keys of a step before publishing, at whose end a text may go: their "no" and what is still awaited count.
STEPS = re.compile(r"\A\w*(?:review|signoff|approval|clearance|consent|permission)\Z")
AWAITED = ("awaiting", "waitingfor", "pending", "notyet")  # how a value of such a key, or a state, may begin
# Keys that ask for such a step ("needs_review: true").
ASKED = re.compile(
    r"\A(?:is|still)?(?:needs?|for|in|under|awaiting|awaits|pending|to|toberequires?|requires?)(?:be|to|tobe)?"
    r"(?:legal|peer|editorial|comms|final|further)?"
    r"(?:review|approval|signoff|clearance|edit|editing|check|checking|work|publi[cs]\w+|confirmation)(?:ed)?\Z"
)
# Keys that forbid ("not_for_release", "do-not-send", "exclude_from_feed").
FORBIDDING = re.compile(
    r"\A(?:please)?(?:donot|dont|not|no|never|non|excludefrom|excludedfrom|hidefrom|hiddenfrom|hiddenin|omitfrom|keepout"
    r"|skip|exclude|hide|omit)"
    r"(?:yet|ever|for|to|be|in|of|on|from|the|ready)*"
    r"(?:publi[sc]h?\w*|releas\w*|send\w*|mail\w*|email\w*|newsletters?|digests?|feeds?|rss|list\w*|lists|home\w*"
    r"|circulat\w*|distribut\w*|share\w*|sharing|approved|final|finished|live|collections?|readers?|use)\Z"
)
# Keys that hold the instant from which, or until which, a text is for readers.
FROM = _set(
    """
    publishdate publishon publishat publishafter publishtime publishfrom publishedat publishedon publisheddate
    publishedtime publisheddatetime publishdatetime publicationdate publicationtime datepublished published pubdate
    publishup embargo embargodate embargountil embargoeduntil embargoends embargoenddate embargotime embargoedto
    embargolift embargolifts embargoed availablefrom availableon available releasedate releaseat releaseon
    releaseafter releasedat releasetime golive goliveat golivedate goliveon livefrom livedate liveon notbefore
    visiblefrom showfrom displayfrom scheduled scheduledfor scheduledat scheduleddate scheduledate validfrom postdate
    holduntil hiddenuntil draftuntil privateuntil
    """
)
UNTIL = _set(
    """
    expirydate expiry expires expiresat expireson expiredate expireon expireat expiredon expiredat expirationdate
    expiration expire unpublishdate unpublishon unpublishat unpublish unpublishedat unpublishedon publishdown
    publishuntil enddate notafter validuntil validto validthrough validtill availableuntil availableto visibleuntil
    showuntil displayuntil liveuntil removeafter removeon removeat removedate removedat withdrawon withdrawdate
    withdrawnat withdrawnon withdrawndate retractedat retractedon archiveon archivedate archiveat archivedat
    archivedon deleteon deleteafter deletedat deletedon killdate takedowndate takedown sunset sunsetdate offlinedate
    offlineat offtime bestbefore sellby
    """
)
# Other names of both, of which a date counts and nothing else ("online_from", "web-until").
FROM_LIKE = re.compile(
    r"\A(?:is|be|tobe|can|may)*(?:go|goes|going)?(?:online|onsite|onweb|web|website|internet|live|visible|shown?|public\w*"
    r"|publish\w*|available|display\w*|active|released?|share\w*|sharing|appears?|mail\w*|send|sent|use|usable)"
    r"(?:from|after|since|notbefore|starting|starts?|starton|startdate)\Z"
)
UNTIL_LIKE = re.compile(
    r"\A(?:is|be|tobe|can|may)*(?:online|onsite|onweb|web|website|internet|live|visible|shown?|public\w*|publish\w*"
    r"|available|display\w*|active|released?|share\w*|sharing|use|usable)"
    r"(?:until|till|notafter|ends?|endon|enddate)\Z"
)
FROM_ONLY = frozenset(("from", "schedule", "release", "releases"))
UNTIL_ONLY = frozenset(("until", "till"))
# Of those above, keys that may also hold the instant at which it becomes so.
ENDED = _set(
    """
    archived deleted trashed withdrawn retracted disabled expired unpublished removed superseded
    """
)
# Keys that a publishing tool writes without a value as long as a text is not published.
UNRELEASED_IF_EMPTY = (
    STATES - {"state", "visibility", "workflow"}
    | {key for key in FROM if key.startswith(("publish", "datepubl", "releas"))}
    | _set(
        "published released live approved approvedat approvedby approvedon signedoff signedoffby signedoffon pubdate"
    )
)
# Keys that say with whom a text may be shared, whose value may go on ("internal, staff and trustees").
CIRCLES = _set(
    """
    sharing share circulation distribution handling sensitivity readership readers confidentiality privacy
    privacystatus securityclassification securitymarking audience access accesslevel classification marking
    protectivemarking
    """
)
CLOSED_CIRCLE = (
    "internal", "confidential", "restricted", "private", "staff", "membersonly", "donot", "notfor", "secret"
)  # fmt: skip
# Keys that may hold a state or something else, so that only some words count.
LOOSE = CIRCLES | _set("stage phase lifecycle lifecyclestate lifecyclestage workflowstage type doctype")
CLEAR = _set(
    """
    draft drafts drafft unpublished private inreview underreview forreview toreview embargoed internal internalonly
    confidential hidden unlisted wip restricted members membersonly staffonly subscribersonly officialsensitive secret
    sensitive internaluseonly
    """
)
EARLY_STAGES = _set("review idea todo outline editing proofreading")  # of a stage or a state alone
# Values that say it under any name, but not of keys that hold words for readers.
SURE = _set(
    """
    draft drafts drafft firstdraft roughdraft workingdraft earlydraft draftonly draftcopy draftversion unpublished
    notpublished notyetpublished notforpublication notforrelease notforcirculation donotpublish donotsend donotshare
    donotcirculate donotrelease embargoed underembargo inreview underreview awaitingreview awaitingapproval
    awaitingsignoff strictlyconfidential officialsensitive internalonly internaluseonly staffonly wip workinprogress
    """
)
SURE_PHRASE = re.compile(
    r"\b(?:not (?:yet )?for (?:publi\w+|release|circulation)|do not (?:publish|circulate|release|send out)"
    r"|embargoed until|under embargo)\b",
    re.IGNORECASE,
)
WORDS_FOR_READERS = _set(
    """
    title subtitle heading headline name summary description excerpt abstract lede lead standfirst intro introduction
    teaser body content text slug id guid uid url link links permalink alias aliases author authors by place region
    regions image images alt caption series quote seotitle metatitle metadescription ogtitle ogdescription
    """
)
UNDECIDED = _set("tbc tbd tba todo tobeconfirmed notset unset later soon pending")
# Keys that keep a page from search engines alone.
SEARCH_ENGINES = _set("noindex robots sitemap search searchable index searchexclude excludefromsearch")
# Keys that resemble those above without being known; `PLAIN_WORDS` only sound alike.
ALIKE = re.compile(
    r"draft|publish|embargo|expir|status|visib|hidden|private|unlist|withdr|retract|confidential|releas|moderat"
    r"|notbefore|notafter|validuntil|approv|golive|scheduled|signedoff|restrict|unfinish"
)
# Of those: a "yes" to the first releases a text, and a "no" to the second.
RELEASING = re.compile(r"\A(?!un|not|no).*(?:publish|visib|releas|approv|golive|signedoff)")
WITHHOLDING = re.compile(r"draft|embargo|hidden|private|unlist|withdr|retract|confidential|restrict|unfinish")
PLAIN_WORDS = re.compile(
    r"publisher|publishedby|publishedin|publishedwith|approvedby|approver|releasenotes|privatesector"
    r"|privaterent|\Astats?\Z|\Astates\Z|peerreview"
)
# Keys of which a slip of the pen is taken for the key itself.
NEAR_TO = (
    "draft", "drafts", "published", "publish", "unpublished", "status", "private", "hidden", "unlisted", "embargo",
    "expires", "expirydate", "publishdate", "visibility", "visible", "approved", "confidential", "archived",
    "withdrawn", "publishedat",
)  # fmt: skip
TAGS = _set("tags tag categories category keywords labels label flags attributes options")
TAG_STATES = _set("draft drafts drafft unpublished wip workinprogress embargoed notforpublication donotpublish")
# Tables below which site generators keep such keys. Of other tables only `DEEP` keys count.
NESTED = _set(
    "extra params publish publishing meta release workflow status taxonomies system cms page frontmatter flags"
)
DEEP = re.compile(r"(?:is)?(?:draft\w*|unpublish\w*|publish\w*|embargo\w*|expir\w*|poststatus|workflowstate|status)")
# The states and limits that elements of a feed name.
FEED_STATE = re.compile(r"(?:\A|_)(?:status|state|visibility)\Z")
FEED_UNRELEASED = _set(
    """
    draft autodraft unpublished private hidden unlisted trash trashed deleted blocked embargoed
    """
)
EXPORT_UNRELEASED = _set("future pending inherit")  # beside those, in an export of WordPress
FEED_UNRELEASED_IF_YES = _set("draft isdraft unpublished private isprivate hidden ishidden unlisted embargoed")
FEED_UNRELEASED_IF_NO = _set("published ispublished public ispublic")
FEED_PERIODS = _set("valid validity available")
FEED_FROM = _set(
    """
    embargo embargodate embargountil publishdate publishon publicationdate availablefrom notbefore validfrom golive
    """
)
FEED_UNTIL = _set(
    """
    expired expires expirydate expirationdate expiredate expiry validuntil validthrough unpublishdate killdate
    availableuntil notafter
    """
)
