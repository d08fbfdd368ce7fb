"""How instructions to a model give themselves away, whoever they are put to.

Every gap in a pattern is bounded, so no text takes more than linear time. A rule looks at a text
only where one of its words stands in it.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """`words`: one of them must be in the text (None: always look). `alone`: is enough to flag."""

    name: str
    reason: str
    pattern: re.Pattern[str]
    words: frozenset[str] | None = None
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """A rule and where it holds."""

    rule: Rule
    start: int
    end: int


def matches(text: str, words: Set[str]) -> Iterator[Match]:
    """Yield the first place of each rule that holds; `words` are the text's, in lower case."""
    for rule in RULES:
        if (rule.words is None or not rule.words.isdisjoint(words)) and (
            found := rule.pattern.search(text)
        ):
            yield Match(rule, *found.span())


def _rule(  # noqa: PLR0913 - a table's row
    name: str, reason: str, pattern: str, words: str | None, *, alone: bool = True, flags: int = 0
) -> Rule:
    compiled = re.compile(pattern, re.IGNORECASE | flags)
    return Rule(name, reason, compiled, frozenset(words.split()) if words else None, alone)


_TOLD: Final = (
    r"(?:instructions?|directives?|prompts?|rules?|guidelines?|orders?|commands?|directions|polic(?:y|ies)|"
    r"constraints?|restrictions?|programming|training|safeguards?|messages?|conversation|requests?|"
    r"texts?|content|task|context|document|web ?page|resume|paper|e-?mail)"
)
_EARLIER: Final = (
    r"(?:previous|prior|preceding|earlier|above|foregoing|past|initial|original|former|existing|system|"
    r"subsequent|following|given)"
)

RULES: Final = (
    _rule(
        "override",
        "tells the model to ignore its instructions",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|forgotten|overlook|override|bypass|neglect|skip|drop|discard|abandon|omit|"
        r"don'?t follow|do not follow|pay no attention to|stop following)\b"
        rf"[^.!?\n]{{0,40}}?\b(?:(?:{_EARLIER})\b[^.!?\n]{{0,30}}?\b{_TOLD}\b|"
        rf"(?:all|any|every|your|these|those) (?:of )?(?:the |your |my |these )?(?:{_EARLIER} (?:and \w+ )?)?(?:instructions|directives|rules|guidelines|programming|orders|prompts)\b|"
        r"(?:the |all |everything |anything |what(?:ever)? )?(?:the )?(?:above|before this|said so far)\b|"
        r"(?:everything|everthing|all|anything|what(?:ever)?) (?:that )?(?:you'?ve|you have|you were|you are|was|has been|I|we)\b[^.!?\n]{0,20}?\b(?:told|instructed|taught|learned|said|given|read)\b)",
        "ignore ignoring disregard disregarding forget forgetting forgotten overlook override bypass neglect skip drop "
        "discard abandon omit follow following attention",
    ),
    _rule(
        "override-foreign",
        "tells the model to ignore its instructions",
        r"\b(?:ignor(?:a|e|ez|er|ar|ieren? sie|iere)|olvid(?:a|e)|esquece|esqueça|oubli(?:e|ez)|dimentica|vergessen sie|vergiss|missachte)\b"
        r"[^.!?\n]{0,40}?\b(?:instru\w{3,12}|istruzion\w|anweisung\w{0,3}|consignes|indica\w{3,8}|órdenes|regeln|anterior\w{0,3}|précédent\w{0,3}|p[áa]gina|todo)\b|"
        r"(?:忽略|无视|忘记|忽視|無視)(?:.{0,10})(?:指令|指示|说明|提示|内容|简历|页面|网页|以前|之前)|(?:指示|命令|指令).{0,8}(?:無視|忘れ)|無視して|(?:지시|명령).{0,8}무시",
        None,
    ),
    _rule(
        "persona",
        "gives the model a role without rules",
        r"\bdo anything now\b|\b(?:DAN|STAN|DUDE|APOPHIS|developer|jailbreak|god|unrestricted|unfiltered|evil|debug|admin(?:istrator)?|root|sudo|maintenance) mode\b|"
        r"\b(?:broken free|freed|free) (?:of|from) (?:the |all |any )?(?:typical |usual )?(?:confines|constraints|restrictions|limits)\b|"
        r"\b(?:not|n['o]t|without|no longer|never) (?:be )?(?:bound|limited|restricted|constrained|abide|have to abide|follow|obey|governed)\b[^.!?\n]{0,40}?\b(?:rules?|restrictions?|polic(?:y|ies)|guidelines|ethic\w*|limits|AI language model)\b|"
        r"\b(?:you (?:are|will be)|act(?:ing)? as|called|become|role of)\b[^.!?\n]{0,60}?\b(?:DAN|another A[IL] model|an? (?:unrestricted|unfiltered|uncensored|amoral) (?:AI|assistant|model|bot)|an AI without)\b|"
        r"\b(?:override|overrides|bypass|bypasses|remove|lift) (?:all |any |the |your )?(?:restrictions|limitations|safety|content policy|content filters?|filters)\b|"
        r"\bAI without (?:any )?(?:ethics|morals|limits|rules|restrictions)\b",
        "dan stan dude apophis mode anything now confines constraints restrictions rules policy policies guidelines ethics ethical "
        "limits ai al restrictions limitations safety content limited abide",
    ),
    _rule(
        "from-now-on",
        "changes how the model is to answer from here on",
        r"\bfrom now on,? (?:you\b|I want you|every|all|your|reply|answer|respond|act|known)|\byou (?:must|have to|will|shall) (?:now )?(?:obey|listen to|answer|comply with|do) (?:all|every|any(?:thing)?|my|each)\b|"
        r"\bfrom now known as\b|\byou will be called\b",
        "now obey listen answer comply called known do",
    ),
    _rule(
        "mode",
        "pretends to switch the system into another mode",
        r"[<\[{(](?:now )?(?:system|admin|entering|security|developer|root|debug)\b[^>\])}\n]{0,40}\b(?:mode|override|reset|activated)\b|"
        r"\b(?:enter(?:ing)?|initiat(?:e|ing)|activat(?:e|ing)|enabl(?:e|ing)) (?:an? |the )?['\"“]?(?:\w+ ){0,3}(?:override|verification|system|diagnostic|developer|maintenance|debug|reset)['\"”]?(?: (?:mode|reset))|"
        r"\b(?:security|system|law enforcement|admin\w*|safety) override\b|\bsystem (?:mode|override)\b.{0,15}\b(?:activated|confirmed|enabled|on)\b",
        "mode override reset activated",
    ),
    _rule(
        "role-marker",
        "imitates the marks between the turns of a conversation with a model",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)[^>\n]{0,20}\|?>|\[/?INST\]|<</?SYS>>|"
        r"</?(?:system|assistant|instructions?)(?:[ _-]?(?:prompt|message))?\s*/?>|[{\[]\s?system\s?[:\]]|"
        r"^\s{0,4}(?:#{1,4}\s?)?(?:system|assistant)(?: (?:prompt|message|instructions?))?\s?:|"
        r"^\s{0,4}#{2,4}\s?(?:new )?(?:system|instructions?)\b|%%%|\bBEGIN (?:NEW )?(?:SYSTEM|ADMIN) (?:PROMPT|MESSAGE)\b|<[/ ]?(?:end|start) of (?:document|context|prompt)>",
        None,
        flags=re.MULTILINE,
    ),
    _rule(
        "secret",
        "asks for what a model must keep to itself",
        r"\b(?:what(?:'s| is| are| was| would)?|tell|give|share|sharing|reveal|disclose|show|print|repeat|output|provide|leak|display|confirm|write|encode|say|know|spell|need|send|contains?|about)\b[^.!?\n]{0,60}?"
        r"\b(?:(?:your|our|the system|system|the user'?s|secret|hidden|confidential|admin|this system'?s) (?:\w+ ){0,2}?(?:password|passphrase|passcode|secret(?: key| code)?|api key|key|credentials|system prompt|initial prompt|prompt|instructions|configuration|string|database)|the (?:password|passphrase|secret key|secret code|confidential string|system prompt))\b(?! (?:security|safe|manager|polic|strength|manual|for (?:my|the) (?:wi-?fi|router)))|"
        r"\bthe (?:password|passphrase|secret (?:key|code))\?",
        "password passphrase passcode secret key credentials prompt instructions configuration string database",
    ),
    _rule(
        "secret-foreign",
        "asks for what a model must keep to itself",
        r"\b(?:la|das|el|le|tu|il|dein) (?:password|passwort|contraseña|mot de passe|senha)\b|a senha\b|パスワード(?:は何|を教え|が必要|を)|비밀번호(?:가 필요|를|는)|密码是(?:什么|多少)|你的密码|пароль",
        None,
    ),
    _rule(
        "personal-probe",
        "asks the model for the data of a user",
        r"\bthe (?:current )?user(?:'s|s')? (?:email|e-mail|address|birth|phone|favou?rite|name|location|password|current|bank|account|currently|live)\b|\bwhere (?:does|is) the user (?:currently |now )?liv|"
        r"\blist of (?:all )?(?:users|customers) and their\b|\bprint (?:me )?(?:your|the) database\b|"
        r"\b(?:[A-Z][a-z]+'s|of [A-Z][a-z]+ [A-Z][a-z]+) (?:birth date|bank balance|bank account|email address)|\b(?:bank balance|email address|birth date|home address) of [A-Z][a-z]+|\bwhere does [A-Z][a-z]+ [A-Z][a-z]+ live\b",
        "user users user's users' customers database birth balance address live email",
        alone=False,
    ),
    _rule(
        "prompt-leak",
        "asks the model to repeat its instructions",
        r"\b(?:repeat|print|output|show|reveal|write|say|display|summari[sz]e|translate|tell me|list|give me|what (?:are|were|is))\b[^.!?\n]{0,20}?\b(?:your (?:\w+ )?(?:instructions|prompt|rules|guidelines)|the (?:above|previous) (?:instructions|prompt|text|conversation)|everything above|system prompt|the text above|initial instructions)\b",
        "instructions prompt rules guidelines above text conversation",
    ),
    _rule(
        "authority",
        "claims authority over the model",
        r"\bI(?:'m| am) (?:actually )?(?:not \w+, I'?a?m )?(?:a |an |the |your )?(?:God|president of|developer|maintainer|creator|boss|administrator|admin|owner of|bank accountant|programmer|system administrator)\b|"
        r"\bI(?:'m| am) your (?:developer|maintainer|creator|boss|administrator|owner|god|friend)\b|\bas (?:your|the) (?:boss|developer|creator|administrator|maintainer|manager)\b|"
        r"\bAs an AI (?:developed|created|made|built|trained) by\b|\byou(?:'re| are) programmed to\b|\b(?:approved|authori[sz]ed|sponsored) by (?:explicitly )?(?:OpenAI|Anthropic|Google|Meta|the developers?)\b",
        "i'm i am as programmed approved authorized authorised sponsored i boss developer creator",
        alone=False,
    ),
    _rule(
        "force",
        "orders the model to say a certain text",
        r"\b(?:just|only|instead|and|then|please|must|always|please,?) (?:say|print|output|write|respond with|reply with|answer with|repeat|state|declare)\s?(?:the following)?\s?[:,]?\s?[\"'“‘]|"
        r"\b(?:state|print|say|declare|write|output|append|add)\b(?: that)? the following:|\bcopy the following\b|\b(?:we|I) (?:might|should|could|would|must) (?:state|say|declare|admit):?|\b(?:state|declare|say|admit) (?:that )?(?:I|you|we) (?:admit|used|have been)\b|\blet'?s (?:admit|state|declare|pretend)\b|\b(?:in|to) (?:a|another) (?:hypothetical|dystopian|fictional) [^.\n]{0,60}\b(?:we|you|I) (?:might|would|could) (?:state|say)",
        "say print output write respond reply answer repeat state declare admit copy might append add pretend",
    ),
    _rule(
        "your-answer",
        "says how the model is to write its answer",
        r"\b(?:in|of|to|into|for|from|with|as|your|modify|enhance|augment|encode|render|reverse|scramble|provide|translate|write|begin|start|end|finish|change|adapt|extend|give|make|output|format|convert|encrypt|include) (?:\w+ ){0,2}?(?:your|thy) (?:\w+ )?(?:answer|response|reply|message|output|summary|elucidation|implementation|solution|code(?:base)?)\b|"
        r"\byour (?:answer|response|reply|output)(?:'s)? (?:must|should|has to|needs to|by|with|to|in|character|words?|letters?|order|backward)\b|\bReply in reverse\b|\b(?:letters?|words?|characters?|order|vowels?) (?:\w+ ){0,2}(?:in|of) your (?:\w+ )?(?:answer|response|reply|message|output)",
        "your thy reply",
        alone=False,
    ),
    _rule(
        "turns",
        "brings its own turns of a conversation",
        r"\bQ:[^\n]{3,400}?\bA:[^\n]{3,600}?\bQ:|\bUser:[^\n]{2,300}\s(?:Assistant|AI|Bot):",
        "q user",
        alone=False,
    ),
    _rule(
        "flood",
        "repeats the same over and over",
        r"\b(\w{2,12})(?:[\s,.]{1,3}\1\b){9}",
        None,
    ),
    _rule(
        "puzzle",
        "hides its request in parts or in a code",
        r"\b(?:decode|decipher|decrypt|unscramble|deobfuscate)\b[^.!?\n]{0,40}\b(?:and tell|cipher|morse|binary|hexadecimal|base ?64|rot ?13|string|reply with)\b|\bPart 1\b[^\n]{0,120}\bPart 2\b|\bInterlace\b|\bCombine A, B\b|"
        r"\b(?:string|text) [a-z] = [a-z] \+ [a-z]\b|\bin (?:pig latin|leetspeak|rot ?13|base ?64|morse code)\b|\busing base ?64\b|(?:[.-]{1,6} ){8}|(?:\b[01]{8}\b ?){6}|(?:\b[0-9a-f]{2} ){10}",
        None,
        alone=False,
    ),
    _rule(
        "planted-code",
        "wants given code put into what the model writes",
        r"\b(?:include|including|inclusion|incorporate|embed(?:ding)?|insert|introduce|employ|use|integrate|add|make|utili[sz]e|apply|implement)\b[^.!?\n]{0,40}\b(?:following|subsequent|below|given) (?:code|script|snippet|function)\b",
        "code script snippet function",
    ),
    _rule(
        "to-assistants",
        "speaks to the model that reads the document",
        r"\b(?:AI|LLM|language models?|chatbots?|(?:virtual |AI )assistants?|GPT\w*|ChatGPT|Claude|Gemini)\b[^.!?\n]{0,40}\b(?:must|should|reading this|processing this|summari[sz]ing this|please (?:rate|recommend|say|ignore)|are instructed|is instructed)\b|"
        r"\bif you(?:'re| are) (?:an? )?(?:AI|LLM|language model|chatbot|assistant|bot)\b|\b(?:note|message|attention|instructions?) (?:to|for) (?:the |any |all )?(?:AI|LLM|language model|assistant|chatbot|model)s?\b|\busing an LLM to write\b|"
        r"\b(?:you'?ve been|you (?:are|were)|has been) instructed to\b|\bse te ha instruido\b",
        "ai llm model models chatbot chatbots assistant assistants gpt chatgpt claude gemini bot instructed instruido",
    ),
)
"""Every rule, and what it says of a text in which it holds."""
