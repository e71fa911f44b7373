"""Prints what CloudFormation makes of a template: SAM's resources replaced by those that they stand for.

The linter looks at SAM's own resources only briefly, and not at all at what becomes of them. Runs on the SAM CLI's modules,
and asks nobody anything: no managed policy is named whose address would have to be looked up.
"""

import json
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        template = yaml_parse(file.read())
    # As `sam deploy` has it, which uploads the folder first.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    try:
        expanded = Translator({}, Parser()).translate(template, {})
    except InvalidDocumentException as error:
        sys.exit("\n".join([error.message, *(cause.message for cause in error.causes)]))
    json.dump(expanded, sys.stdout, indent=1)


main()
