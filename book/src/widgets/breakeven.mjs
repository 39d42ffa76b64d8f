// When a cluster pays for itself, and what an availability leaves.
import { field, make, number, stage } from "./dom.mjs";

const WEEKS_PER_MONTH = 52 / 12;
const HOURS_PER_MONTH = 730;

/** Hours a month without the machine until the extra cost is earned back. */
export function breakEven({ extra, hoursPerWeek, hourlyRate, saved }) {
    const labour = hoursPerWeek * hourlyRate * WEEKS_PER_MONTH;
    const total = extra + labour;
    const hours = saved > 0 ? total / saved : Infinity;
    return { labour, total, hours, possible: hours <= HOURS_PER_MONTH, share: hours / HOURS_PER_MONTH };
}

/** Minutes of failure that an availability in percent leaves in 30 days. */
export function minutesLeft(slo) {
    return (100 - slo) / 100 * 30 * 24 * 60;
}

export function mount(figure) {
    const data = figure.dataset;
    const decimal = { inputmode: "decimal" };
    const fields = [
        field("Extra cost, $ a month", data.extra, draw, decimal),
        field("Hours of people, a week", "0", draw, decimal),
        field("An hour of people costs, $", "80", draw, decimal),
        field("An hour without the machine saves, $", data.saved, draw, decimal),
        field("Availability promised, %", data.slo, draw, decimal),
        field("A deploy costs, seconds", "40", draw, decimal),
    ];
    const result = stage(figure, fields);
    draw();

    function draw() {
        const [extra, hoursPerWeek, hourlyRate, saved, slo, gap] = fields.map(one => number(one.input.value));
        if ([extra, hoursPerWeek, hourlyRate, saved, slo, gap].includes(null) || slo > 100) {
            result.replaceChildren(make("p", { class: "wrong" }, "Every field is a number; an availability is at most 100."));
            return;
        }
        const money = breakEven({ extra, hoursPerWeek, hourlyRate, saved });
        const minutes = minutesLeft(slo);
        const verdict = money.possible
            ? `You must do without that machine for ${money.hours.toFixed(0)} hours a month, ${(money.share * 100).toFixed(0)} % of all time.`
            : "It never pays for itself: a month has only 730 hours.";
        const deploys = gap > 0 ? `, or ${Math.floor(minutes * 60 / gap)} deploys of ${gap} s each and nothing else` : "";
        result.replaceChildren(
            make("p", {}, `The cluster costs $${money.total.toFixed(0)} more a month, of which $${money.labour.toFixed(0)} are people. ${verdict}`),
            make("p", {}, `${slo} % leaves ${minutes.toFixed(1)} minutes in 30 days${deploys}.`));
    }
}
