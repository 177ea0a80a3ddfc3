import { queryTerms } from '../engines/data-processing/search-words.ts';

export type Recipe = 'explain' | 'summarise' | 'compare' | 'find' | 'questions' | 'answer';

export interface Aspect {
  /** The part of the goal, cleaned: `where events come from`. */
  text: string;
  /** Asks how the project as a whole is built. */
  layout: boolean;
}

export interface Intent {
  recipe: Recipe;
  /** What the goal is about, at most 80 characters; empty for the project as a whole. */
  subject: string;
  /** Separate questions inside the goal, at most 4. */
  aspects: Aspect[];
  /** Both sides of a comparison. */
  sides?: [string, string];
}

const comparison: RegExp[] = [
  /\bcompar(?:e|ing|ison)\s+(?:of\s+|between\s+)?(?:the\s+)?(?<left>.+?)\s+(?:and|with|to|against|versus|vs\.?)\s+(?<right>.+)$/i,
  /\b(?:differences?|distinction|similarit(?:y|ies)|trade-?offs?)\s+(?:between|of)\s+(?<left>.+?)\s+(?:and|versus|vs\.?|&)\s+(?<right>.+)$/i,
  /\bhow\s+(?:do|does|is|are)\s+(?<left>.+?)\s+(?:differ(?:s|ent)?|compared?)\s+(?:from|to|with|than)\s+(?<right>.+)$/i,
  /\bhow\s+do\s+(?<left>.+?)\s+and\s+(?<right>.+?)\s+(?:differ|compare|relate)\b/i,
  /\bwhat\s+distinguishes\s+(?<left>.+?)\s+from\s+(?<right>.+)$/i,
  /\bcontrast\s+(?<left>.+?)\s+(?:and|with)\s+(?<right>.+)$/i,
  /^(?<left>.+?)\s+(?:vs\.?|versus)\s+(?<right>.+)$/i,
];
const openQuestions =
  /\b(?:open|unanswered|unresolved|outstanding)\s+(?:questions?|points?|ends?|issues?|items?|problems?)\b|\b(?:list|collect|gather|find|show|give|write|make|prepare|suggest|what|which|any)\b[^.?!]*\b(?:questions|to-?dos?|fixmes?|unknowns|loose ends|open ends)\b|\bwhat\s+(?:is|remains)\s+(?:still\s+)?(?:unclear|unknown|undecided|left to do|missing)\b|^\s*(?:todos?|fixmes?|questions)\b/i;
const summary =
  /\b(?:summari[sz]e|summari[sz]ing|summary|tl;?dr|digest|recap|gist|condense|boil(?:ed)?\s+down|key\s+points|main\s+points|takeaways|in\s+(?:brief|short|a nutshell)|briefly|short\s+version|(?:an?|brief|short|quick)\s+overview|overview\s+of)\b/i;
const finding =
  /^\s*(?:please\s+)?(?:find|locate|grep|search|look\s+(?:for|up)|list|show\s+(?:me\s+)?(?:all|every|each|where|the\s+(?:file|place|line)))\b|\b(?:where|in\s+which\s+(?:file|module|folder)s?)\s+(?:is|are|do\s+we|does\s+\S+|can\s+i\s+find)\b(?![^.?!]*\bcome\s+from)|\b(?:which|what)\s+(?:file|files|module|modules|function|functions|class|classes|line|lines|tests?)\b|\ball\s+(?:usages?|uses|occurrences|references|callers|places)\b|\bwho\s+calls\b/i;
const explanation =
  /\b(?:explain|describe|understand|clarify|elaborate|teach|walk\s+(?:me\s+)?through|tell\s+(?:me\s+)?about|how\s+(?:do|does|is|are|did|can|to|this|the|it|we|\w+s?\s+works?)|why|what\s+(?:is|are|does|do|happens)|come(?:s)?\s+from|document)\b/i;
const layoutWords =
  /\blaid\s+out\b|\blay-?out\b|\bstructur|\borgani[sz](?:ed|ation)\b|\barchitectur|\bdirector(?:y|ies)\b|\bfolders?\b|\bfile\s+tree\b|\bcode\s?base\s+(?:map|tour)\b|\b(?:tour|map|overview|parts|modules|packages|components)\s+(?:of|in)\s+(?:this|the|our)\s+(?:project|repo|repository|code|code\s?base)\b|\bwhat(?:'s|\s+is)\s+in\s+(?:this|the)\s+(?:project|repo|repository|code\s?base)\b|\bhow\s+(?:is|are)\s+(?:this|the)\s+(?:project|repo|repository|code|code\s?base)\s+(?:built|set\s+up|arranged|split)\b/i;

const wholeProject =
  /^(?:(?:this|the|our|my|whole|entire|complete|all)\s+)*(?:project|repo|repository|code|code\s?base|folder|it|everything|this|readme|documentation|docs)?$/i;

/** What kind of answer a goal wants, and about what; without a language model this chooses the plan. */
export function detectIntent(goal: string): Intent {
  const text = clean(goal);
  const sides = findSides(text);
  const recipe = chooseRecipe(text, sides !== undefined);
  const aspects = recipe === 'explain' ? splitAspects(text) : [];
  const subject = recipe === 'explain' && aspects.length === 1 ? aspects[0]!.text : subjectOf(text);
  return { recipe, subject: clip(subject), aspects, ...(recipe === 'compare' && sides ? { sides } : {}) };
}

export function isLayoutQuestion(text: string): boolean {
  return layoutWords.test(text);
}

function chooseRecipe(text: string, hasSides: boolean): Recipe {
  if (hasSides) return 'compare';
  if (openQuestions.test(text)) return 'questions';
  if (summary.test(text)) return 'summarise';
  if (finding.test(text))
    return layoutWords.test(text) && !/^\s*(?:find|locate|grep|search)/i.test(text) ? 'explain' : 'find';
  if (explanation.test(text) || layoutWords.test(text)) return 'explain';
  return 'answer';
}

/** One line without courtesies and without how the answer should look: that is not what it is about. */
function clean(goal: string): string {
  return goal
    .replace(/\s+/g, ' ')
    .replace(/\b(?:please|kindly|thanks|thank you)\b[,!.]?/gi, ' ')
    .replace(/^\s*(?:hi|hello|hey)\b[^,.!]*[,.!]/i, ' ')
    .replace(/^\s*(?:can|could|would|will)\s+you\s+/i, '')
    .replace(/^\s*(?:i\s+(?:want|need|would like|'d like)\s+(?:you\s+)?to|help me(?:\s+to)?|let's)\s+/i, '')
    .replace(
      /[,;]?\s*(?:\(?(?:with|including|citing|and cite|cite)\s+(?:the\s+|your\s+|its\s+|all\s+)?(?:sources?|citations?|references?|files?(?:\s+and\s+lines?)?)\)?)\b/gi,
      ' ',
    )
    .replace(/\s+/g, ' ')
    .replace(/^[\s,.;:!]+|[\s,.;:!]+$/g, '');
}

function findSides(text: string): [string, string] | undefined {
  for (const pattern of comparison) {
    const groups = pattern.exec(text)?.groups;
    if (!groups?.['left'] || !groups['right']) continue;
    const sides = [groups['left'], groups['right']].map((side) =>
      clip(trimSubject(side.replace(/[?.!].*$/, ''))),
    );
    if (sides[0] && sides[1]) return [sides[0], sides[1]];
  }
  return undefined;
}

const questionWord = '(?:how|where|why|when|what|which|who)';

function splitAspects(text: string): Aspect[] {
  const parts = text
    .split(
      new RegExp(
        `\\?\\s+|;\\s*|\\.\\s+|,?\\s+(?:and|also|then|plus)\\s+(?=(?:also\\s+)?${questionWord}\\b)|,\\s+(?=${questionWord}\\b)`,
        'i',
      ),
    )
    .map((part) => trimSubject(part))
    .filter((part) => queryTerms(part).length > 0 || layoutWords.test(part));
  const aspects = (parts.length > 0 ? parts : [trimSubject(text)]).slice(0, 4);
  return aspects.map((part) => ({ text: part.slice(0, 500), layout: layoutWords.test(part) }));
}

/** Without the verb that orders the answer and without an article in front. */
function trimSubject(text: string): string {
  return text
    .replace(/^[\s,.;:!?-]+|[\s,.;:!?-]+$/g, '')
    .replace(/^(?:and|also|then)\s+/i, '')
    .replace(
      /^(?:explain|describe|clarify|understand|document|show|tell|teach|walk)\s+(?:to\s+)?(?:me\s+|us\s+)?(?:about\s+|through\s+)?(?=\S)/i,
      '',
    )
    .replace(/^(?:the|a|an)\s+/i, '')
    .trim();
}

function subjectOf(text: string): string {
  const subject = text
    .replace(/[?\s]+$/, '')
    .replace(
      /^.*?\b(?:summari[sz]e|summary(?:\s+of)?|overview\s+of|digest(?:\s+of)?|recap(?:\s+of)?|gist\s+of|tl;?dr(?:\s+of)?|key\s+points\s+of|main\s+points\s+of)\b[:\s]*/i,
      '',
    )
    .replace(
      /^\s*(?:find|locate|grep(?:\s+for)?|search(?:\s+for)?|look\s+(?:for|up)|list|collect|show(?:\s+me)?|give(?:\s+me)?)\b\s*/i,
      '',
    )
    .replace(
      /^\s*(?:all|every|each|any)\s+(?:(?:usages?|uses|occurrences|references|callers|places)\s+(?:of|where|to)\s+)?/i,
      '',
    )
    .replace(
      /^\s*(?:where|in\s+which\s+\w+|which\s+\w+|what\s+\w+)\s+(?:is|are|does|do|can\s+i\s+find)?\s*/i,
      '',
    )
    .replace(
      /\b(?:is|are|gets?)?\s*(?:defined|declared|implemented|located|stored|used|called|configured)\s*$/i,
      '',
    );
  const trimmed = trimSubject(subject);
  return wholeProject.test(trimmed) ? '' : trimmed;
}

function clip(text: string): string {
  if (text.length <= 80) return text;
  const cut = text.lastIndexOf(' ', 79);
  return `${text.slice(0, cut > 30 ? cut : 79)}…`;
}
