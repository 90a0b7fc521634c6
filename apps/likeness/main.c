// SPDX-License-Identifier: Apache-2.0
/* likeness: one program, one row per subcommand. */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "cli.h"

// clang-format off
static const struct subcommand commands[] = {
    {"portrait", LK_CMD_PORTRAIT, LK_TASK_PORTRAIT, 1, 1, "PROMPT", "draw a person and refine the face",
     "likeness portrait \"a young woman with red hair, smiling\" -o a.png\n"
     "likeness portrait \"a man with a grey beard\" --face someone.png --consent self -o b.png --report b.json --debug steps/\n"
     "likeness portrait \"a man in a library\" --face ada --use film -o c.png\n", cmd_make},
    {"draw", LK_CMD_DRAW, LK_TASK_DRAW, 1, 1, "PROMPT", "draw a picture: diffusion alone",
     "likeness draw \"a lighthouse by the sea\" --model sd15.safetensors --size 512x768 --steps 30 --seed 7 -o l.png\n", cmd_make},
    {"swap", LK_CMD_SWAP, LK_TASK_SWAP, 1, 1, "PICTURE", "give faces of a picture another identity",
     "likeness swap group.jpg --face left=ada --face right=bo.jpg --consent self -o out.jpg\n", cmd_make},
    {"restore", LK_CMD_RESTORE, LK_TASK_RESTORE, 1, 1, "PICTURE", "make the faces of a picture clear",
     "likeness restore blurred.jpg --restorer gfpgan:GFPGANv1.4.onnx -o out.jpg\n"
     "likeness restore old.jpg --restorer codeformer:codeformer.onnx --codeformer-weight 0.7 -o out.jpg\n", cmd_make},
    {"redraw", LK_CMD_REDRAW, LK_TASK_REDRAW, 2, 2, "PICTURE PROMPT", "draw the faces of a picture again, each larger than it is",
     "likeness redraw group.png \"a smiling woman [SEP] an old man\" -o out.png\n", cmd_make},
    {"upscale", LK_CMD_UPSCALE, LK_TASK_UPSCALE, 1, 1, "PICTURE", "enlarge a picture by super-resolution",
     "likeness upscale small.jpg --upscaler RealESRGAN_x4.onnx -o large.png\n", cmd_make},
    {"detect", LK_CMD_DETECT, LK_TASK_SWAP, 1, 1, "PICTURE", "list the faces of a picture",
     "likeness detect photo.jpg --json\n", cmd_detect},
    {"compare", LK_CMD_COMPARE, LK_TASK_SWAP, 2, 2, "PICTURE PICTURE", "say whether two pictures show the same person",
     "likeness compare a.png b.png\n", cmd_compare},
    {"inspect", LK_CMD_INSPECT, LK_TASK_SWAP, 1, 1, "PICTURE", "show what a picture says of itself, and its faces",
     "likeness inspect a.png --json\n", cmd_inspect},
    {"run", LK_CMD_RUN, LK_TASK_PORTRAIT, 1, 1, "REQUEST.json", "carry out a request file",
     "likeness run request.json -o a.png\n", cmd_run},
    {"cast", LK_CMD_CAST, LK_TASK_PORTRAIT, 1, 66,
     "add NAME PHOTO… | list | show NAME | rename OLD NEW | remove NAME | bar NAME | unbar NAME | new NAME | export NAME | import FILE | seal | unseal | "
     "consent grant NAME | consent revoke NAME | consent show NAME | consent verify NAME | consent export NAME | consent import NAME FILE",
     "people by name, and what they agreed to",
     "likeness cast add ada ada-1.jpg ada-2.jpg\n"
     "likeness cast consent grant ada --use portrait,film --until 2027-12-31 --evidence release.pdf\n"
     "likeness cast new mira --from drawn.png\n"
     "likeness cast export ada -o ada.safetensors\n"
     "likeness cast bar bo\n", cmd_cast},
    {"models", LK_CMD_MODELS, LK_TASK_PORTRAIT, 1, 66, "list | show NAME | pull NAME… | add FILE | verify [NAME…] | export NAME PART", "list, show, fetch, add, check or export models",
     "likeness models list\nlikeness models show starter\nlikeness models pull w600k-r50 inswapper-128\n"
     "likeness models pull gfpgan-1.4 --from /mnt/usb\nlikeness models add found.onnx --name mine --family gpen\nlikeness models verify\n"
     "likeness models export starter unet -o unet.onnx\n", cmd_models},
    {"audit", LK_CMD_AUDIT, LK_TASK_PORTRAIT, 1, 2, "log | verify | trace PICTURE | export | erase NAME", "answer for every picture that left",
     "likeness audit log\n"
     "likeness audit verify --audit-mirror /mnt/other/audit.heads\n"
     "likeness audit trace found-on-the-web.jpg\n"
     "likeness audit export > audit.jsonl\n"
     "likeness audit erase ada.jpg\n", cmd_audit},
    {"doctor", LK_CMD_DOCTOR, LK_TASK_PORTRAIT, 0, 0, "", "say what is installed, which devices work, which models are there",
     "likeness doctor\n", cmd_doctor},
    {"bench", LK_CMD_BENCH, LK_TASK_PORTRAIT, 0, 1, "[PICTURE]", "time each part of the loop on this machine, faces on PICTURE or on a portrait by the starter",
     "likeness bench --model sd15.safetensors group.jpg\nlikeness bench --runs 5 --json\n", cmd_bench},
};
// clang-format on

const struct subcommand *subcommands(size_t *count)
{
    *count = LK_ARRAY_LENGTH(commands);
    return commands;
}

static const struct subcommand *find_command(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(commands); i++) {
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    }
    return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    }
    return false;
}

/* `--help`, `--version` and the two generated texts: what needs no subcommand. Returns whether it
 * was one of them. */
static bool answer_directly(const char *word)
{
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
        cli_help(stdout);
    else if (!strcmp(word, "--version"))
        printf("likeness %s\n", lk_version());
    else if (!strcmp(word, "--manual"))
        cli_manual(stdout);
    else if (!strcmp(word, "--reference"))
        cli_reference(stdout);
    else
        return false;
    return true;
}

static int run_command(const struct subcommand *command, int argc, char **argv)
{
    struct lk_error err = {0};
    struct cli cli = {.command = command};
    lk_invocation_init(&cli.with, command->task);
    int rc = cli_parse(&cli, argc, argv, &err);
    if (!rc)
        rc = command->run(&cli, &err);
    lk_invocation_free(&cli.with);
    if (rc)
        fprintf(stderr, "likeness %s: %s\n", command->name, err.message);
    else if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "likeness %s: standard output cannot be written\n", command->name);
        rc = LK_E_FAILED;
    }
    return lk_exit_code(rc);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        cli_help(stderr);
        return lk_exit_code(LK_E_INPUT);
    }
    if (answer_directly(argv[1]))
        return 0;
    const struct subcommand *command = find_command(argv[1]);
    if (!command) {
        fprintf(stderr, "likeness: '%s' is no command: see likeness --help\n", argv[1]);
        return lk_exit_code(LK_E_INPUT);
    }
    if (asks_for_help(argc - 2, argv + 2)) {
        cli_help_command(stdout, command);
        return 0;
    }
    return run_command(command, argc - 2, argv + 2);
}
