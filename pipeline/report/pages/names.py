"""What the dashboard calls things: kinds of outlets, cautions, steps and reasons, codes and facts. All are messages."""

from __future__ import annotations

from functools import cache

from config.codebook import Code, Codebook, load_codebook
from pipeline.report.words import N_

KINDS = {
    "wire": N_("news agency"),
    "national": N_("national paper"),
    "broadcaster": N_("broadcaster"),
    "regional": N_("regional paper"),
    "state": N_("state media"),
    "official": N_("official site"),
    "think_tank": N_("think tank"),
    "specialist": N_("specialist journal"),
}
FLAGS = {
    "partial": N_("partial text"),
    "other_language": N_("other language"),
    "short": N_("very short"),
    "transcript": N_("transcript"),
}
CAUTIONS = {
    "partial": N_(
        "Only part of the text was to be had, often the summary that the feed gives. What is said to be left out may "
        "stand in the rest."
    ),
    "other_language": N_(
        "Most of the text is in another script than its language's. Take the score with care: the model has not "
        "learnt from such texts."
    ),
    "short": N_(
        "The text is very short. Take the score with care: the model has learnt from whole articles, and a short one "
        "has little room for context."
    ),
    "transcript": N_(
        "This looks like a transcript or an interview. Take the score with care: the model has learnt from reports and "
        "comments."
    ),
}
STAGES = {
    "page": N_("reading the page"),
    "extract": N_("finding its text"),
    "gate": N_("the first look at its words"),
    "screen": N_("judging whether it is about the talks"),
}
STATES = {
    "announced": N_("announced"),
    "done": N_("done"),
    "dropped": N_("dropped"),
    "ok": N_("answers"),
    "degraded": N_("read in part"),
    "failing": N_("fails"),
    "gone": N_("gone"),
    "quiet": N_("silent"),
}
ASKED_FOR = {"feed": N_("feed"), "page": N_("page")}
REASONS = {
    "ok": N_("in order"),
    "unchanged": N_("unchanged"),
    "about_the_talks": N_("it is about the talks"),
    "not_about_the_talks": N_("it is not about the talks"),
    "passed": N_("its words allow the subject"),
    "no_japan": N_("no word shows that it is about Japan"),
    "no_russia": N_("no word shows that it is about Russia"),
    "no_subject": N_("no word shows that it is about a treaty or the islands"),
    "summary_only": N_("only the feed's summary was to be had, and its words do not show the subject"),
    "poison": N_("its page broke the program that reads pages, twice"),
    "no_link": N_("the feed gives no link"),
    "no_text": N_("no text was found on its page"),
    "gone": N_("the outlet has taken it down"),
    "robots": N_("the outlet's robots.txt does not let us in"),
    "tls": N_("the outlet's certificate is not in order"),
    "dns": N_("the name of the site is not found"),
    "timeout": N_("the outlet did not answer in time"),
    "too_large": N_("the answer is too large"),
    "connect": N_("the connection failed"),
    "protocol": N_("the answer is not proper HTTP"),
    "incomplete": N_("the answer broke off"),
    "not_a_feed": N_("what is there is no feed"),
    "empty": N_("it has no entries"),
    "too_many_redirects": N_("it is redirected too often"),
    "blocked_address": N_("it leads to a private network"),
    "bad_url": N_("its address is none that can be read"),
    "bad_scheme": N_("its address is none of the web"),
}
ALARMS = {
    "feed_broken": N_("A feed can't be read"),
    "outlet_quiet": N_("An outlet is silent"),
    "pipeline_starved": N_("treatywatch falls behind"),
}


@cache
def codebook() -> Codebook:
    """The codebook, read once."""
    return load_codebook()


def code_of(name: str) -> Code:
    """A code by its id; one that the codebook does not have any more keeps its id for a title."""
    found = codebook().codes.get(name)
    return found or Code(id=name, family="neutral", title=name, definition="", exemplars={}, counter={})


def fact_of(name: str) -> str:
    """What a context fact says; one that the codebook does not have any more keeps its id."""
    return codebook().facts.get(name, name)
