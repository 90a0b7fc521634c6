// SPDX-License-Identifier: Apache-2.0
/* --help, the manual page and the option reference, from the tables of options and subcommands. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Words of text from column `from`, wrapped at column 100. */
static void wrap(FILE *to, const char *text, int from)
{
    int column = from;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (column + n > 100) {
            fprintf(to, "\n%*s", from, "");
            column = from;
        }
        column += fprintf(to, "%.*s", n, text);
        text += n;
        if (*text) {
            column += fprintf(to, " ");
            text++;
        }
    }
    fputc('\n', to);
}

void cli_help(FILE *to)
{
    size_t n;
    const struct subcommand *commands = subcommands(&n);
    fprintf(
        to,
        "likeness %s: a sentence goes in, a picture of a person comes out whose face holds up.\n\n",
        lk_version());
    fprintf(to, "usage: likeness COMMAND … [options]\n\n");
    for (size_t i = 0; i < n; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\nlikeness COMMAND --help shows the options. Exit codes: 0 done, 1 failed, 2 bad "
                "usage or input,\n"
                "3 refused by policy, 4 a model or name is missing, 130 interrupted.\n");
}

static void flag_text(const struct lk_option *o, char *out, size_t size)
{
    char letter[8] = "";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(out, size, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
             o->value ? o->value : "");
}

static void default_text(const struct lk_option *o, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s", o->help, o->initial ? " (default: " : "",
             o->initial ? o->initial : "", o->initial ? ")" : "");
}

void cli_help_command(FILE *to, const struct subcommand *command)
{
    size_t n;
    const struct lk_option *options = lk_options(&n);
    fprintf(to, "usage: likeness %s %s [options]\n\n%s\n\n", command->name, command->words,
            command->summary);
    for (size_t i = 0; i < n; i++) {
        if (!(options[i].commands & command->id))
            continue;
        char flag[64], help[512];
        flag_text(&options[i], flag, sizeof flag);
        default_text(&options[i], help, sizeof help);
        fprintf(to, "  %-28s", flag);
        if (strlen(flag) > 27)
            fprintf(to, "\n%30s", "");
        wrap(to, help, 30);
    }
    fprintf(to, "\nexamples:\n");
    for (const char *line = command->examples; *line; line = strchr(line, '\n') + 1)
        fprintf(to, "  %.*s\n", (int)strcspn(line, "\n"), line);
}

/* roff: a backslash and a leading dot or quote are special, and '-' would become a hyphen. */
static void roff(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void manual_options(FILE *to)
{
    size_t n;
    const struct lk_option *options = lk_options(&n);
    for (size_t i = 0; i < n; i++) {
        char flag[64], help[512];
        flag_text(&options[i], flag, sizeof flag);
        default_text(&options[i], help, sizeof help);
        fprintf(to, ".TP\n.B ");
        roff(to, flag);
        fputc('\n', to);
        roff(to, help);
        fputc('\n', to);
    }
}

void cli_manual(FILE *to)
{
    size_t n;
    const struct subcommand *commands = subcommands(&n);
    fprintf(to,
            ".TH LIKENESS 1 \"\" \"likeness %s\"\n.SH NAME\nlikeness \\- pictures of people whose "
            "faces hold up\n",
            lk_version());
    fprintf(to, ".SH SYNOPSIS\n.B likeness\n.I COMMAND\n[options]\n.SH COMMANDS\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(to, ".TP\n.B likeness %s ", commands[i].name);
        roff(to, commands[i].words);
        fputc('\n', to);
        roff(to, commands[i].summary);
        fprintf(to, "\n.RS\n.nf\n");
        roff(to, commands[i].examples);
        fprintf(to, ".fi\n.RE\n");
    }
    fprintf(to, ".SH OPTIONS\nEach command takes the options that concern it; \\fBlikeness COMMAND "
                "\\-\\-help\\fR lists them.\n");
    manual_options(to);
    fprintf(to, ".SH FILES\n.TP\n.I ~/.config/likeness.ini\nName = value, by option name; "
                "[command] sections.\n");
    fprintf(to, ".SH ENVIRONMENT\n.TP\n.B LIKENESS_NAME\nAn option, such as LIKENESS_THREADS; the "
                "command line wins.\n");
    fprintf(to, ".TP\n.B LIKENESS_ORT_DIR\nFolder of ONNX Runtime's library.\n.TP\n.B "
                "LIKENESS_MODELS\nFolder of models.\n.TP\n.B LIKENESS_STATE\n"
                "Folder of the audit ledger and the cast.\n.TP\n.B LIKENESS_PASSPHRASE\n"
                "Opens a sealed cast, and seals a new one.\n");
    fprintf(to, ".SH EXIT STATUS\n0 done; 1 failed; 2 bad usage or bad input; 3 refused by policy; "
                "4 a model or name is missing; "
                "130 interrupted.\n");
}

void cli_reference(FILE *to)
{
    size_t n, n_commands;
    const struct lk_option *options = lk_options(&n);
    const struct subcommand *commands = subcommands(&n_commands);
    fprintf(to, "# Options\n\nMade from the option table by `make docs`. In JSON a name has `_` "
                "for `-`; in the environment it is\n"
                "`LIKENESS_NAME`; in `likeness.ini` it is a line `name = value`.\n\n| option | "
                "default | what it does | commands |\n"
                "|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        char flag[64];
        flag_text(&options[i], flag, sizeof flag);
        fprintf(to, "| `");
        for (const char *c = flag; *c; c++)
            fprintf(to, *c == '|' ? "\\|" : "%c", *c);
        fprintf(to, "` | %s | %s |", options[i].initial ? options[i].initial : "", options[i].help);
        for (size_t j = 0; j < n_commands; j++) {
            if (options[i].commands & commands[j].id)
                fprintf(to, " %s", commands[j].name);
        }
        fprintf(to, " |\n");
    }
}
