// Makes the desk quicker where there is a script. Every page works without it.
"use strict";
