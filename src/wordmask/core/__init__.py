"""The shared objects: pictures, prompts, masks, results. numpy only, no files, no weights."""
